import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Log } from "../../src/core/log.js";
import type { Message } from "../../src/types.js";
import { message, span } from "../support/messages.js";

const GAP_MAX = 25;
const AHEAD_MAX = 12;
const PAGE = 5;

/** A server's side of one conversation. */
class Server {
  readonly messages: Message[] = [];

  get head(): number {
    return this.messages.length;
  }

  post(count: number): Message[] {
    const from = this.head + 1;
    for (let seq = from; seq < from + count; seq++) this.messages.push(message(seq));
    return this.messages.slice(from - 1);
  }

  newest(count: number): { messages: Message[]; hasMore: boolean; head: number } {
    const messages = this.messages.slice(Math.max(0, this.head - count)).reverse();
    return { messages, hasMore: this.head > count, head: this.head };
  }

  after(seq: number): { messages: Message[]; hasMore: boolean; head: number } {
    return {
      messages: this.messages.slice(seq, seq + PAGE),
      hasMore: this.head > seq + PAGE,
      head: this.head,
    };
  }

  before(seq: number): { messages: Message[]; hasMore: boolean } {
    const low = Math.max(1, seq - PAGE);
    return { messages: this.messages.slice(low - 1, seq - 1).reverse(), hasMore: low > 1 };
  }
}

/** An answer to what the log needs now, as the server gives it now; to be applied whenever it arrives. */
function answer(log: Log, server: Server): (() => void) | null {
  const { need } = log;
  if (!need) return null;
  if (need.kind === "newest") {
    const page = server.newest(PAGE);
    return () => log.addNewest(page.messages, page.hasMore, page.head);
  }
  const page = server.after(need.seq);
  return () => log.addAfter(need.seq, page.messages, page.hasMore, page.head);
}

function shown(log: Log): number[] {
  return log.items.map(({ seq }) => seq);
}

function check(log: Log, server: Server, highBefore: number): void {
  // Each once, in order, without holes, as the server has them; nothing shown is taken back.
  // (Compared by hand: this runs a hundred thousand times.)
  const { items, low, high } = log;
  const isRight = items.every(
    (item, index) => item.seq === low + index && item === server.messages[item.seq - 1],
  );
  if (!isRight || items.length !== Math.max(0, high - low + 1) || high < highBefore) {
    expect({ shown: shown(log), highBefore }).toBe(`each of ${low} to ${high} once`);
  }
  if (log.gap) {
    expect(log.gap.fromSeq).toBe(log.high + 1);
    expect(log.gap.toSeq).toBeGreaterThanOrEqual(log.gap.fromSeq);
  }
}

const step = fc.oneof(
  // Messages are posted; of those that arrive here some come twice, some late.
  fc.record({
    kind: fc.constant("post" as const),
    count: fc.integer({ min: 1, max: 8 }),
    fates: fc.array(fc.constantFrom("arrives", "lost", "twice", "late"), { minLength: 8, maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant("burst" as const), count: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    kind: fc.constant("hello" as const),
    count: fc.integer({ min: 0, max: 10 }),
    isLate: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("ask" as const), fate: fc.constantFrom("arrives", "lost", "late") }),
  fc.record({ kind: fc.constant("older" as const), fate: fc.constantFrom("arrives", "late") }),
  fc.record({ kind: fc.constant("late" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("cache" as const), low: fc.nat(80), length: fc.nat(30) }),
  fc.record({ kind: fc.constant("behind" as const), isKnown: fc.boolean() }),
  fc.record({ kind: fc.constant("trim" as const), max: fc.integer({ min: 5, max: 40 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(log: Log, server: Server, steps: readonly Step[]): void {
  const late: (() => void)[] = [];
  const arrive = (fate: string, fn: () => void) => {
    if (fate === "late") late.push(fn);
    else if (fate !== "lost") fn();
    if (fate === "twice") fn();
  };
  for (const step of steps) {
    const before = log.high;
    switch (step.kind) {
      case "post":
        for (const [index, posted] of server.post(step.count).entries()) {
          arrive(step.fates[index]!, () => log.addLive([posted]));
        }
        break;
      case "burst":
        server.post(step.count);
        break;
      case "hello": {
        const { messages, hasMore, head } = server.newest(step.count);
        arrive(step.isLate ? "late" : "arrives", () => log.addNewest(messages, hasMore, head));
        break;
      }
      case "ask": {
        const apply = answer(log, server);
        if (apply) arrive(step.fate, apply);
        break;
      }
      case "older": {
        if (log.isEmpty || !log.hasOlder) break;
        const { low } = log;
        const page = server.before(low);
        arrive(step.fate, () => log.addBefore(low, page.messages, page.hasMore));
        break;
      }
      case "late":
        if (late.length > 0) late.splice(step.pick % late.length, 1)[0]!();
        break;
      case "cache": {
        const low = Math.max(1, Math.min(step.low, server.head));
        const high = Math.min(low + step.length, server.head);
        if (high >= low) log.addRun(low, high, server.messages.slice(low - 1, high));
        break;
      }
      case "behind":
        if (step.isKnown) log.setHead(server.head);
        else log.forgetHead();
        break;
      case "trim":
        log.trim(step.max);
        break;
    }
    check(log, server, before);
  }
  for (const fn of late) fn();
}

/** The link holds: the heads are told, and what is asked for comes. */
function finish(log: Log, server: Server): void {
  const { messages, hasMore, head } = server.newest(PAGE);
  log.addNewest(messages, hasMore, head);
  for (let round = 0; log.need; round++) {
    expect(round).toBeLessThan(200);
    const before = log.high;
    answer(log, server)!();
    check(log, server, before);
  }
}

describe("a log", () => {
  it("is the same in the end whatever order frames, cuts, pages and cached messages came in", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const server = new Server();
        const log = new Log(GAP_MAX, AHEAD_MAX);
        run(log, server, steps);
        finish(log, server);
        expect(log.high).toBe(server.head);
        expect(log.gap).toBeNull();
        // And back to the first one.
        for (let round = 0; log.hasOlder; round++) {
          expect(round).toBeLessThan(200);
          const page = server.before(log.low);
          log.addBefore(log.low, page.messages, page.hasMore);
          check(log, server, log.high);
        }
        expect(shown(log)).toEqual(span(1, server.head));
      }),
      { numRuns: 1500 },
    );
  });

  it("shows what the server made of a message instead of what was sent", () => {
    const log = new Log(10, 10);
    const seen = () => log.items.map(({ content }) => content);
    log.addSent([message(1, { content: "sent" })]);
    expect(seen()).toEqual(["sent"]);
    log.addLive([message(1, { content: "stored" })]);
    expect(seen()).toEqual(["stored"]);
    // Only the first version is news.
    log.addLive([message(1, { content: "again" })]);
    expect(seen()).toEqual(["stored"]);
    log.addSent([message(1, { content: "late" })]);
    expect(seen()).toEqual(["stored"]);
  });

  it("never takes back what has changed of a message that was sent", () => {
    const log = new Log(10, 10);
    log.addSent([message(1), message(2)]);
    log.replace(message(1, { content: "edited", changeSeq: 1 }));
    log.replace(message(2, { content: "", hidden: true }));
    log.addLive([message(1), message(2)]);
    expect(log.items).toMatchObject([{ content: "edited" }, { content: "", hidden: true }]);
  });

  it("never holds more beyond a hole than it may", () => {
    const log = new Log(1000, 10);
    log.addRun(
      1,
      5,
      span(1, 5).map((seq) => message(seq)),
    );
    for (const seq of span(20, 60)) log.addLive([message(seq)]);
    expect(shown(log)).toEqual(span(1, 5));
    const held = span(20, 60).filter((seq) => log.at(seq));
    expect(held).toEqual(span(20, 29));
    expect(log.gap).toEqual({ fromSeq: 6, toSeq: 19 });
  });

  it("begins anew after a hole that is too long", () => {
    const log = new Log(10, 100);
    log.addRun(
      1,
      5,
      span(1, 5).map((seq) => message(seq)),
    );
    log.setHead(100);
    expect(log.need).toEqual({ kind: "newest" });
    log.addNewest(
      span(96, 100)
        .reverse()
        .map((seq) => message(seq)),
      true,
      100,
    );
    expect(shown(log)).toEqual(span(96, 100));
    expect(log.hasOlder).toBe(true);
  });

  it("knows an empty conversation from one that it knows nothing of", () => {
    const log = new Log(10, 10);
    expect(log.isEmpty).toBe(true);
    log.addNewest([], false, 0);
    expect(log.isEmpty).toBe(false);
    expect(log.need).toBeNull();
    log.addLive([message(2)]);
    expect(shown(log)).toEqual([]);
    expect(log.need).toEqual({ kind: "after", seq: 0 });
  });

  it("asks for the end when that is not known, until it is reached", () => {
    const log = new Log(100, 100);
    log.addRun(
      1,
      5,
      span(1, 5).map((seq) => message(seq)),
    );
    log.forgetHead();
    expect(log.need).toEqual({ kind: "after", seq: 5 });
    log.addAfter(5, [message(6)], true, 6);
    expect(log.need).toEqual({ kind: "after", seq: 6 });
    log.addAfter(6, [message(7)], false, 7);
    expect(log.need).toBeNull();
    expect(shown(log)).toEqual(span(1, 7));
  });
});
