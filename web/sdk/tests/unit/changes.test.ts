import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { changed } from "../../src/core/change.js";
import { Engine } from "../../src/core/engine.js";
import { changeOf } from "../../src/core/wire.js";
import { NoStorage } from "../../src/io/none.js";
import { DEFAULT_LIMITS } from "../../src/limits.js";
import type { Change, Message } from "../../src/types.js";
import { MemoryStorage } from "../support/memory.js";
import { ANN, BOB, message, span } from "../support/messages.js";
import { FakeServer, type Link } from "../support/server.js";

const change = (kind: string, more: Partial<Change> = {}): Change => {
  return { seq: 9, messageSeq: 1, kind, atMs: 5000, by: BOB, ...more };
};

describe("a message that is changed", () => {
  it("has another text, and says when it was edited", () => {
    const now = changed(message(1), change("edited", { content: "better" }), ANN.id);
    expect(now).toMatchObject({ content: "better", editedAtMs: 5000, changeSeq: 9, atMs: 1001 });
  });

  it("has nothing left once it is taken back", () => {
    const before = message(1, { editedAtMs: 7, reactions: [{ emoji: "👍", count: 1, mine: true }] });
    const now = changed(before, change("recalled"), ANN.id);
    expect(now).toEqual({ ...message(1), content: "", gone: "recalled", changeSeq: 9 });
    expect(changed(now, change("edited", { content: "again" }), ANN.id).content).toBe("");
  });

  it("counts reactions as the server does, and knows one's own", () => {
    const react = (before: Message, kind: string, count: number, by = BOB) =>
      changed(before, change(kind, { emoji: "👍", count, by }), ANN.id);
    const one = react(message(1), "reacted", 1);
    expect(one.reactions).toEqual([{ emoji: "👍", count: 1, mine: false }]);
    const two = react(one, "reacted", 2, ANN);
    expect(two.reactions).toEqual([{ emoji: "👍", count: 2, mine: true }]);
    const left = react(two, "unreacted", 1);
    expect(left.reactions).toEqual([{ emoji: "👍", count: 1, mine: true }]);
    expect(react(left, "unreacted", 0, ANN).reactions).toEqual([]);
  });

  it("takes what it does not know for a change of nothing", () => {
    expect(changed(message(1), change("pinned"), ANN.id)).toEqual({ ...message(1), changeSeq: 9 });
  });
});

/** An engine of ann's and its link. */
class Bench {
  link: Link | null = null;
  readonly told: number[] = [];
  readonly engine: Engine;

  constructor(
    readonly server: FakeServer,
    storage: MemoryStorage | NoStorage = new NoStorage(),
  ) {
    this.engine = new Engine("t", { ...DEFAULT_LIMITS, gapMax: 20, aheadMax: 5, pageSize: 10 }, storage);
    this.engine.isLeader = true;
    this.engine.attach({ send: (frame) => this.link?.send(frame) ?? false, restart: () => {} });
    this.engine.onChangesMissed = async (id, after) => {
      const { changes, ...page } = server.changesAfter(id, after);
      return { ...page, items: changes.map(changeOf), truncated: false };
    };
    this.engine.events.on("change", ({ change }) => this.told.push(change.seq));
  }

  connect(): void {
    this.link ??= this.server.connect(ANN, this.engine.since);
  }

  cut(): void {
    this.link?.close();
    this.link = null;
    this.engine.detached();
  }

  async deliver(count = 1000): Promise<void> {
    for (let left = count; left > 0 && this.link; left--) {
      const frame = this.link.queue.shift();
      if (!frame) break;
      this.engine.receive(frame);
      await vi.advanceTimersByTimeAsync(0);
    }
  }

  async settle(): Promise<void> {
    this.connect();
    for (let round = 0; round < 8; round++) {
      await this.deliver();
      await vi.advanceTimersByTimeAsync(1000);
    }
  }

  texts(): string[] {
    return this.engine
      .views("7")
      .log.get()
      .items.map(({ content }) => content);
  }
}

describe("changes in a conversation", () => {
  let server: FakeServer;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    server.addRoom("7");
    for (const number of span(1, 8)) server.post("7", BOB, `t${number}`);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("are shown at once, and leave the other messages the same objects", async () => {
    const bench = new Bench(server);
    await bench.settle();
    const before = bench.engine.views("7").log.get().items;
    server.change("7", BOB, 6, "edited", { content: "new" });
    await bench.settle();
    const after = bench.engine.views("7").log.get().items;
    expect(bench.texts()).toEqual(["t4", "t5", "new", "t7", "t8"]);
    expect(after.filter((item, at) => item === before[at])).toHaveLength(4);
    expect(server.changePages).toBe(0);
  });

  it("of the last message show in the list", async () => {
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.list.get();
    server.change("7", BOB, 8, "recalled");
    await bench.settle();
    expect(bench.engine.list.get()[0]?.lastMessage).toMatchObject({ content: "", gone: "recalled" });
  });

  it("are fetched after a cut when it is on screen, and when it comes on screen", async () => {
    const bench = new Bench(server);
    const close = bench.engine.open("7");
    await bench.settle();
    bench.cut();
    for (const seq of span(1, 8)) server.change("7", BOB, seq, "edited", { content: `e${seq}` });
    await bench.settle();
    expect(bench.texts().slice(-8)).toEqual(
      span(1, 8)
        .map((seq) => `e${seq}`)
        .slice(-bench.texts().length),
    );
    close();
    bench.cut();
    const pages = server.changePages;
    server.change("7", BOB, 4, "edited", { content: "while away" });
    await bench.settle();
    expect(server.changePages).toBe(pages);
    bench.engine.open("7");
    await bench.settle();
    expect(bench.texts()).toContain("while away");
  });

  it("so many that it is less to read anew: the log begins again", async () => {
    const bench = new Bench(server);
    bench.engine.open("7");
    await bench.settle();
    bench.cut();
    for (const number of span(1, 30)) server.change("7", BOB, 4, "edited", { content: `e${number}` });
    await bench.settle();
    expect(server.changePages).toBe(0);
    expect(bench.texts()).toContain("e30");
  });

  it("that happened while a page was on its way are not lost", async () => {
    const bench = new Bench(server);
    bench.engine.open("7");
    await bench.settle();
    void bench.engine.loadOlder("7");
    // The page is written; what follows it comes before it.
    server.change("7", BOB, 2, "recalled");
    const [page, frame] = bench.link!.queue.splice(0, 2);
    bench.link!.queue.push(frame!, page!);
    await bench.settle();
    expect(bench.texts()).toEqual(["t1", "", "t3", "t4", "t5", "t6", "t7", "t8"]);
  });

  it("that were read before their message came are not lost", async () => {
    const bench = new Bench(server);
    bench.engine.open("7");
    await bench.settle();
    bench.cut();
    server.change("7", BOB, 8, "recalled");
    bench.connect();
    // The page of changes is asked for after hello, and says this; the frames are still to come.
    server.post("7", BOB, "t9");
    server.change("7", BOB, 9, "edited", { content: "new" });
    await bench.settle();
    expect(bench.texts().slice(-2)).toEqual(["", "new"]);
  });

  it("are in what is kept, and those missed meanwhile are fetched", async () => {
    const storage = new MemoryStorage();
    const bench = new Bench(server, storage);
    bench.engine.open("7");
    await bench.settle();
    server.change("7", BOB, 6, "edited", { content: "kept" });
    await bench.settle();
    bench.cut();
    await bench.engine.stop();
    server.change("7", BOB, 4, "recalled");
    for (const number of span(9, 16)) server.post("7", BOB, `t${number}`);
    const next = new Bench(server, storage);
    await next.engine.restore(() => true);
    next.engine.open("7");
    expect(next.texts()).toContain("kept");
    await next.settle();
    expect(next.texts().slice(0, 4)).toEqual(["", "t5", "kept", "t7"]);
    expect(next.told).toEqual([2]);
  });

  it("are the same in the end, whatever is cut or comes late", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("post" as const), count: fc.integer({ min: 1, max: 12 }) }),
      fc.record({
        kind: fc.constantFrom(
          "edited" as const,
          "recalled" as const,
          "reacted" as const,
          "unreacted" as const,
        ),
        back: fc.nat(15),
        mine: fc.boolean(),
        emoji: fc.constantFrom("👍", "🙏"),
      }),
      fc.record({ kind: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant("older" as const) }),
      fc.record({ kind: fc.constant("cut" as const) }),
      fc.record({ kind: fc.constant("connect" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
        const server = new FakeServer();
        server.addRoom("7");
        const bench = new Bench(server);
        bench.engine.open("7");
        bench.connect();
        await bench.deliver(1);
        const { messages } = server.rooms.get("7")!;
        for (const [index, step] of steps.entries()) {
          if (step.kind === "post") for (const _ of span(1, step.count)) server.post("7", BOB, `p${index}`);
          else if (step.kind === "deliver") await bench.deliver(step.count);
          else if (step.kind === "older") bench.engine.loadOlder("7").catch(() => {});
          else if (step.kind === "cut") bench.cut();
          else if (step.kind === "connect") bench.connect();
          else {
            const found = messages.at(-1 - step.back);
            if (!found || found.gone) continue;
            const has = found.reactions?.some(({ emoji }) => emoji === step.emoji) ?? false;
            if (step.kind === "unreacted" && !has) continue;
            server.change("7", step.mine ? ANN : BOB, found.seq, step.kind, {
              content: `e${index}`,
              emoji: step.emoji,
            });
          }
        }
        await bench.settle();
        const shown = bench.engine.views("7").log.get().items as readonly Message[];
        for (const { seq, content, gone, editedAtMs, reactions = [] } of shown) {
          const real = messages[seq - 1]!;
          expect({ seq, content, gone, editedAtMs }).toEqual({
            seq,
            content: real.content,
            gone: real.gone,
            editedAtMs: real.editedAt,
          });
          const counts = (all: readonly { emoji: string; count: number }[]) =>
            new Map(all.map(({ emoji, count }) => [emoji, count]));
          expect(counts(reactions)).toEqual(counts(real.reactions ?? []));
        }
        expect(shown.at(-1)?.seq ?? 0).toBe(messages.length);
      }),
      { numRuns: 500 },
    );
  });
});
