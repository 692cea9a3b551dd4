import { expect, test } from "vitest";
import type { LogItem } from "./oort";
import { slowest, stateOf } from "./receipts";

const mine: LogItem = {
  kind: "message",
  id: "7-5",
  seq: 5,
  sender: { id: "1", username: "ann" },
  content: "",
  atMs: 0,
};

test("the slowest of the others counts", () => {
  const cursors = new Map([
    ["1", { deliveredSeq: 9, readSeq: 9 }],
    ["2", { deliveredSeq: 8, readSeq: 4 }],
    ["3", { deliveredSeq: 5, readSeq: 5 }],
  ]);
  expect(slowest(cursors, "1")).toEqual({ deliveredSeq: 5, readSeq: 4 });
  expect(slowest(new Map([["1", { deliveredSeq: 9, readSeq: 9 }]]), "1")).toBeNull();
});

test.each([
  [null, "sent"],
  [{ deliveredSeq: 4, readSeq: 4 }, "sent"],
  [{ deliveredSeq: 5, readSeq: 4 }, "delivered"],
  [{ deliveredSeq: 5, readSeq: 5 }, "read"],
])("%j: %s", (others, expected) => {
  expect(stateOf(mine, "1", others)).toBe(expected);
});

test("of others and of the server nothing is told", () => {
  expect(stateOf(mine, "2", { deliveredSeq: 5, readSeq: 5 })).toBe("received");
  expect(stateOf({ ...mine, system: { event: "member_left", users: [] } }, "1", null)).toBe("system");
  expect(stateOf({ kind: "pending", localId: "x", content: "", atMs: 0, state: "failed" }, "1", null)).toBe("failed");
});
