import { beforeEach, expect, test, vi } from "vitest";
import type { Draft, StoredFile } from "./oort";
import { Outgoing } from "./outgoing";
import { Tray } from "./tray";

const stored = (id: string): StoredFile => ({
  ...{ id, name: id, size: 4, offset: 4, partBytes: 4, state: "ready", hasThumbnail: false, createdAtMs: 1 },
});
const settled = () => new Promise((resolve) => setTimeout(resolve));

let uploads: { done: (stored: StoredFile) => void; fail: (error: unknown) => void }[];
let taken: Draft[];
let refusal: Error | null;
let outgoing: Outgoing;
const done = vi.fn();

beforeEach(() => {
  uploads = [];
  taken = [];
  refusal = null;
  done.mockClear();
  const tray = new Tray({
    upload: () => new Promise((done, fail) => uploads.push({ done, fail })),
    remove: async () => {},
    look: async () => ({}),
  });
  const take = (draft: Draft) => {
    if (refusal) throw refusal;
    taken.push(draft);
  };
  outgoing = new Outgoing(tray, take, done);
});

const add = (...names: string[]) => outgoing.tray.add(names.map((name) => new File(["1234"], name)));

test("a text goes at once", () => {
  outgoing.send({ content: "Hello" });
  expect(taken).toEqual([{ content: "Hello" }]);
  expect(outgoing.get()).toEqual({ waiting: null, sent: 1 });
  expect(done).toHaveBeenCalledOnce();
});

test("one with files goes when they are there, though nobody watches", async () => {
  add("a", "b");
  outgoing.send({ content: "Look", replyTo: 3 });
  expect(outgoing.get().waiting).toEqual({ content: "Look", replyTo: 3 });
  uploads[0]?.done(stored("1"));
  await settled();
  expect(taken).toEqual([]);
  uploads[1]?.done(stored("2"));
  await settled();
  expect(taken).toMatchObject([
    { content: "", replyTo: 3, attachment: { fileId: "1" } },
    { content: "Look", attachment: { fileId: "2" } },
  ]);
  expect(outgoing.tray.get()).toEqual([]);
  expect(outgoing.get()).toEqual({ waiting: null, sent: 1 });
  expect(done).toHaveBeenCalledOnce();
});

test("what is written meanwhile goes in its place", async () => {
  add("a");
  outgoing.send({ content: "Look" });
  outgoing.send({ content: "Look at this" });
  uploads[0]?.done(stored("1"));
  await settled();
  expect(taken.map(({ content }) => content)).toEqual(["Look at this"]);
});

test("one whose files failed or were taken off is not sent without them", async () => {
  add("a");
  outgoing.send({ content: "Look" });
  uploads[0]?.fail(new Error("no"));
  await settled();
  expect(outgoing.get()).toEqual({ waiting: null, sent: 0 });
  outgoing.tray.retry(outgoing.tray.get()[0]?.key ?? "");
  outgoing.send({ content: "Look" });
  outgoing.tray.discard(outgoing.tray.get()[0]?.key ?? "");
  uploads[1]?.done(stored("1"));
  await settled();
  expect(outgoing.get()).toEqual({ waiting: null, sent: 0 });
  expect(taken).toEqual([]);
});

test("a refusal is kept, with what was not taken, until it is tried again", async () => {
  refusal = new Error("too many wait");
  add("a");
  outgoing.send({ content: "Look" });
  uploads[0]?.done(stored("1"));
  await settled();
  expect(outgoing.get()).toEqual({ waiting: null, sent: 0, error: refusal });
  expect(outgoing.tray.get()).toHaveLength(1);
  expect(done).not.toHaveBeenCalled();
  refusal = null;
  outgoing.send({ content: "Look" });
  expect(outgoing.get()).toEqual({ waiting: null, sent: 1 });
  expect(taken).toHaveLength(1);
});
