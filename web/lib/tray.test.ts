import { beforeEach, describe, expect, test, vi } from "vitest";
import type { StoredFile } from "./oort";
import { draftOf, messagesOf, type Picked, pickedMax, Tray } from "./tray";

interface Upload {
  name: string;
  key: string;
  signal: AbortSignal;
  onProgress: (stored: number) => void;
  done: (stored: StoredFile) => void;
  fail: (error: unknown) => void;
}

const storedAs = (id: string, more: Partial<StoredFile> = {}): StoredFile => ({
  ...{ id, name: id, size: 4, offset: 4, partBytes: 4, state: "ready", hasThumbnail: false, createdAtMs: 1 },
  ...more,
});
const file = (name: string) => new File(["1234"], name);
const settled = () => new Promise((resolve) => setTimeout(resolve));

let uploads: Upload[];
let removed: string[];
let tray: Tray;

beforeEach(() => {
  uploads = [];
  removed = [];
  tray = new Tray({
    upload: ({ name }, options) =>
      new Promise((done, fail) => {
        uploads.push({ name, ...options, done, fail });
      }),
    remove: async (id) => void removed.push(id),
    look: async () => ({}),
  });
});

const states = () => tray.get().map(({ state }) => state);

describe("files that were chosen", () => {
  test("two are uploaded at a time, the others follow in order", async () => {
    const changed = vi.fn();
    tray.subscribe(changed);
    expect(tray.add(["a", "b", "c"].map(file))).toBe(0);
    expect(states()).toEqual(["uploading", "uploading", "waiting"]);
    uploads[1]?.onProgress(2);
    expect(tray.get()[1]?.storedBytes).toBe(2);
    uploads[1]?.done(storedAs("2"));
    await settled();
    expect(states()).toEqual(["uploading", "ready", "uploading"]);
    expect(uploads.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(changed).toHaveBeenCalled();
  });

  test("one is ready when it was looked at, too: what it is sent as depends on it", async () => {
    let looked = (_: { durationMs: number }) => {};
    const upload = new Promise<StoredFile>((resolve) => resolve(storedAs("1", { mime: "audio/wav" })));
    const slow = new Tray({
      upload: () => upload,
      remove: async () => {},
      look: () =>
        new Promise((resolve) => {
          looked = resolve;
        }),
    });
    slow.add([file("horn.wav")]);
    await settled();
    expect(slow.get()[0]?.state).toBe("uploading");
    looked({ durationMs: 3000 });
    await settled();
    expect(slow.get()[0]).toMatchObject({ state: "ready", durationMs: 3000 });
  });

  test("one that cannot be looked at is sent all the same", async () => {
    const blind = new Tray({
      upload: async () => storedAs("1"),
      remove: async () => {},
      look: () => Promise.reject(new Error("the chunk did not come")),
    });
    blind.add([file("a")]);
    await settled();
    expect(blind.get()[0]?.state).toBe("ready");
  });

  test("there is an end to how many", () => {
    expect(tray.add(Array.from({ length: pickedMax + 3 }, (_, at) => file(`${at}`)))).toBe(3);
    expect(tray.get()).toHaveLength(pickedMax);
    expect(tray.add([file("one more")])).toBe(1);
  });

  test("one that failed is tried again under its key", async () => {
    tray.add([file("a")]);
    uploads[0]?.fail(new Error("no"));
    await settled();
    expect(states()).toEqual(["failed"]);
    tray.retry(tray.get()[0]?.key ?? "");
    expect(states()).toEqual(["uploading"]);
    expect(uploads[1]?.key).toBe(uploads[0]?.key);
  });

  test("one that is taken off stops, makes room, and is deleted where it is stored", async () => {
    tray.add(["a", "b", "c"].map(file));
    const [first, second] = tray.get();
    tray.discard(first?.key ?? "");
    expect(uploads[0]?.signal.aborted).toBe(true);
    uploads[0]?.fail(new Error("stopped"));
    uploads[1]?.done(storedAs("2"));
    await settled();
    expect(uploads.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    tray.discard(second?.key ?? "");
    expect(removed).toEqual(["2"]);
    expect(tray.get().map(({ file }) => file.name)).toEqual(["c"]);
  });

  test("one that was stored in the moment it was taken off is deleted", async () => {
    tray.add([file("a")]);
    tray.discard(tray.get()[0]?.key ?? "");
    uploads[0]?.done(storedAs("1"));
    await settled();
    expect(removed).toEqual(["1"]);
    expect(tray.get()).toEqual([]);
  });
});

describe("the message that carries one", () => {
  const picked = (stored: Partial<StoredFile>, more: Partial<Picked> = {}) =>
    draftOf({ key: "k", file: file("a"), state: "ready", storedBytes: 4, ...more, stored: storedAs("7", stored) });
  const about = { fileId: "7", name: "7", size: 4 };

  test("is of the kind that the server has made out", () => {
    const image = picked({ hasThumbnail: true, mime: "image/png", width: 4, height: 2 }, { width: 1, height: 1 });
    expect(image).toEqual({
      content: "",
      contentKind: "image",
      attachment: { ...about, mime: "image/png", width: 4, height: 2 },
    });
    expect(picked({ mime: "image/gif" }, { width: 4, height: 2 })).toMatchObject({ contentKind: "image" });
    expect(picked({ mime: "image/png" }, { width: 4, height: 2 })).toMatchObject({ contentKind: "file" });
    const video = picked({ mime: "video/mp4" }, { width: 4, height: 2, durationMs: 900 });
    expect(video.attachment).toEqual({ ...about, mime: "video/mp4", width: 4, height: 2, durationMs: 900 });
    expect(video.contentKind).toBe("video");
    expect(picked({ mime: "audio/ogg" }, { durationMs: 900 }).contentKind).toBe("voice");
    expect(picked({ mime: "video/webm" }, { durationMs: 900 }).contentKind).toBe("voice");
  });

  test("has the text where it is the last, and answers where it is the first", () => {
    const ready = (key: string): Picked & { stored: StoredFile } => ({
      ...{ key, file: file(key), state: "ready", storedBytes: 4 },
      stored: storedAs(key),
    });
    const text = { content: "Look", mentions: ["3"] };
    expect(messagesOf(text, [])).toEqual([{ draft: text }]);
    const [first, second] = messagesOf({ ...text, replyTo: 9 }, [ready("1"), ready("2")]);
    expect(first).toMatchObject({ key: "1", draft: { content: "", attachment: { fileId: "1" } } });
    expect(first?.draft.mentions).toBeUndefined();
    // The first of them is the answer.
    expect([first?.draft.replyTo, second?.draft.replyTo]).toEqual([9, undefined]);
    expect(second).toMatchObject({ key: "2", draft: { ...text, contentKind: "file", attachment: { fileId: "2" } } });
  });

  test("is a file where nothing else is sure", () => {
    expect(picked({})).toEqual({ content: "", contentKind: "file", attachment: about });
    // A voice message has to say how long it is.
    expect(picked({ mime: "audio/ogg" }).contentKind).toBe("file");
  });
});
