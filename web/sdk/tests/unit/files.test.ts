import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OortError } from "../../src/error.js";
import { Files } from "../../src/files.js";
import { Http } from "../../src/io/http.js";

const PART = 4;

/** A server that keeps one upload. */
class Server {
  readonly stored: number[] = [];
  readonly calls: string[] = [];
  readonly keys = new Set<string>();
  size = 0;
  name = "";
  /** What happens instead of the calls, in their order. */
  faults: ("cut" | "lost" | Response | null)[] = [];

  async answer(path: string, init: RequestInit): Promise<Response> {
    const headers = init.headers as Record<string, string>;
    this.calls.push(`${init.method} ${path}`);
    const fault = this.faults.shift() ?? null;
    if (init.signal?.aborted) throw init.signal.reason;
    if (fault === "cut") throw new TypeError("fetch failed");
    if (fault instanceof Response) return fault;
    if (init.method === "POST" && path === "/api/files") {
      const { name, size } = JSON.parse(String(init.body));
      this.keys.add(headers["idempotency-key"] ?? "");
      Object.assign(this, { name, size });
    }
    if (init.method === "PATCH") {
      if (Number(headers["upload-offset"]) !== this.stored.length)
        return Response.json({ code: "wrong_offset", message: "elsewhere" }, { status: 409 });
      this.stored.push(...new Uint8Array(await (init.body as Blob).arrayBuffer()));
    }
    // It was done, and its answer is lost.
    if (fault === "lost") throw new TypeError("fetch failed");
    const { size, name, stored } = this;
    const state = stored.length === size ? "ready" : "uploading";
    return Response.json({ id: "7", name, size, offset: stored.length, partBytes: PART, state });
  }
}

let server: Server;
let files: Files;
const bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const blob = new Blob([new Uint8Array(bytes)]);

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => server.answer(path, init));
  files = new Files(new Http("", { kind: "cookie" }));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Runs to its end, whatever it waits for. */
async function done<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await vi.runAllTimersAsync();
  return promise;
}

describe("an upload", () => {
  it("goes part by part and tells how far it is", async () => {
    const progress: [number, number][] = [];
    const onProgress = (stored: number, size: number) => void progress.push([stored, size]);
    const file = await done(files.upload(new File([blob], "a/b.bin"), { onProgress }));
    expect(file).toMatchObject({ id: "7", state: "ready", size: 10 });
    expect(server.stored).toEqual(bytes);
    expect(progress).toEqual([0, 4, 8, 10].map((stored) => [stored, 10]));
    expect(server.calls).toHaveLength(4);
    expect(server.name).toBe("b.bin");
  });

  it("goes on after cuts from what is stored", async () => {
    // The announcement is cut and asked for again; an answer is lost; the link is away for a while.
    server.faults = ["lost", null, null, "lost", "cut", "cut", null, "cut"];
    const file = await done(files.upload(blob, { name: "a" }));
    expect(file.state).toBe("ready");
    expect(server.stored).toEqual(bytes);
    expect(server.keys.size).toBe(1);
  });

  it("asks where it is when it is elsewhere", async () => {
    server.stored.push(1, 2, 3, 4);
    server.size = 10;
    const elsewhere = Response.json({ code: "wrong_offset", message: "elsewhere" }, { status: 409 });
    server.faults = [null, elsewhere];
    await done(files.upload(blob, { name: "a" }));
    expect(server.stored).toEqual(bytes);
    expect(server.calls[2]).toBe("GET /api/files/7");
  });

  it("goes on under its key where another attempt has left it", async () => {
    server.faults = [null, null, ...Array.from({ length: 9 }, () => "cut" as const)];
    await expect(done(files.upload(blob, { name: "a", key: "k1" }))).rejects.toMatchObject({
      code: "offline",
    });
    expect(server.stored).toHaveLength(4);
    await done(files.upload(blob, { name: "a", key: "k1" }));
    expect(server.stored).toEqual(bytes);
    expect([...server.keys]).toEqual(["k1"]);
  });

  it("goes on at once when there is a way to the server again", async () => {
    server.faults = [null, null, "cut", "cut", "cut", "cut"];
    const upload = files.upload(blob, { name: "a" });
    await vi.advanceTimersByTimeAsync(100);
    const until = Date.now();
    while (server.faults.length > 0) {
      files.reached();
      await vi.advanceTimersByTimeAsync(0);
    }
    files.reached();
    await vi.advanceTimersByTimeAsync(0);
    expect(await upload).toMatchObject({ state: "ready" });
    expect(Date.now()).toBe(until);
  });

  it("waits as long as it is told", async () => {
    const busy = Response.json(
      { code: "overloaded", message: "later" },
      { status: 503, headers: { "retry-after": "7" } },
    );
    server.faults = [null, busy];
    const upload = files.upload(blob, { name: "a" });
    await vi.advanceTimersByTimeAsync(6_900);
    expect(server.calls).toHaveLength(2);
    await done(upload);
    expect(server.stored).toEqual(bytes);
  });

  it("is given up for what waiting does not mend", async () => {
    server.faults = [Response.json({ code: "limit_reached", message: "full" }, { status: 409 })];
    await expect(done(files.upload(blob, { name: "a" }))).rejects.toMatchObject({ code: "limit_reached" });
    expect(server.calls).toHaveLength(1);
    server.faults = Array.from({ length: 100 }, () => "cut" as const);
    await expect(done(files.upload(blob, { name: "a" }))).rejects.toMatchObject({ code: "offline" });
    expect(server.calls).toHaveLength(1 + 9);
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    const onProgress = (stored: number) => stored > 0 && stop.abort();
    const upload = files.upload(blob, { name: "a", signal: stop.signal, onProgress });
    await expect(done(upload)).rejects.toMatchObject({ code: "stopped" });
    expect(server.stored).toHaveLength(4);
    // Also while it waits.
    server.faults = ["cut"];
    const again = new AbortController();
    const waiting = files.upload(blob, { name: "a", signal: again.signal });
    await vi.advanceTimersByTimeAsync(0);
    again.abort();
    await expect(waiting).rejects.toBeInstanceOf(OortError);
  });
});

describe("a file", () => {
  it("is sent as what it is", async () => {
    const sent: unknown[] = [];
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
      sent.push([path, JSON.parse(String(init.body))]);
      return Response.json({});
    });
    const file = {
      ...{ id: "7", name: "a", size: 3, offset: 3, partBytes: PART, state: "ready" as const },
      ...{ hasThumbnail: false, createdAtMs: 1 },
    };
    await files.send("5", file, "look", "m1");
    const image = { ...file, hasThumbnail: true, mime: "image/png", width: 2, height: 1 };
    await files.send("5", image, "", "m2");
    const about = { fileId: "7", name: "a", size: 3 };
    const path = "/api/conversations/5/messages";
    expect(sent).toEqual([
      [path, { clientMsgId: "m1", content: "look", kind: "file", attachment: about }],
      [
        path,
        {
          clientMsgId: "m2",
          content: "",
          kind: "image",
          attachment: { ...about, mime: "image/png", width: 2, height: 1 },
        },
      ],
    ]);
  });

  it("is read as bytes", async () => {
    vi.stubGlobal("fetch", async () => new Response(blob));
    const read = await files.read("7", "thumbnail");
    expect([...new Uint8Array(await read.arrayBuffer())]).toEqual(bytes);
    expect(files.url("7", "thumbnail")).toBe("/api/files/7/thumbnail");
  });
});
