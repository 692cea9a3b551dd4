import { expect, test } from "vitest";
import type { LogItem, Message } from "./oort";
import { hasFile, nowOf } from "./shown";

const message = (seq: number, more: Partial<Message> = {}): Message => ({
  ...{ kind: "message", id: `${seq}`, seq, sender: { id: "1", username: "ann" }, content: `${seq}`, atMs: seq },
  ...more,
});
const pending: LogItem = {
  ...{ kind: "pending", localId: "a", content: "", state: "sending", atMs: 9, contentKind: "image" },
  attachment: { fileId: "8" },
} as LogItem;

test("a message that is shown elsewhere is as the log has it", () => {
  const edited = message(2, { content: "other" });
  expect(nowOf(message(2), [message(1), edited, message(3), pending])).toBe(edited);
});

test("nothing is shown of one that was taken back, has ended, or was hidden", () => {
  expect(nowOf(message(2), [message(1), message(2, { gone: "recalled", content: "" })])).toBeNull();
  expect(nowOf(message(2), [message(1), message(3)])).toBeNull();
  expect(nowOf(message(2), [message(1)])).toBeNull();
});

test("one further up than the log reaches is as it was", () => {
  const old = message(2);
  expect(nowOf(old, [message(3)])).toBe(old);
  expect(nowOf(old, [])).toBe(old);
});

test("a file is there as long as one message has it", () => {
  const items = [message(1), message(2, { attachment: { fileId: "7" } }), pending];
  expect(hasFile(items, "/api/files/7/content")).toBe(true);
  expect(hasFile(items, "/api/files/8/content")).toBe(true);
  expect(hasFile(items, "/api/files/9/content")).toBe(false);
});
