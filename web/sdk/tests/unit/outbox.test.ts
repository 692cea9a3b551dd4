import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outbox, type OutboxEntry } from "../../src/core/outbox.js";
import { DEFAULT_FRAME_LIMITS } from "../../src/limits.js";

const LIMITS = { ...DEFAULT_FRAME_LIMITS, messagesPerFrameMax: 3 };

function entry(number: number, conversationId = "7", content = `text ${number}`): OutboxEntry {
  return { localId: `l-${number}`, conversationId, content, atMs: number, owner: "tab" };
}

function filled(count: number): Outbox {
  const outbox = new Outbox(100);
  for (let number = 1; number <= count; number++) outbox.add(entry(number));
  return outbox;
}

function taken(outbox: Outbox, nowMs = 0): string[][] {
  return outbox.take(nowMs, LIMITS).map(({ entries }) => entries.map(({ localId }) => localId));
}

describe("the outbox", () => {
  it("has one frame per conversation under way, as large as it may be", () => {
    const outbox = filled(5);
    outbox.add(entry(6, "8"));
    expect(taken(outbox)).toEqual([["l-1", "l-2", "l-3"], ["l-6"]]);
    expect(taken(outbox)).toEqual([]);
    outbox.stored("l-1", 1);
    outbox.stored("l-2", 2);
    expect(taken(outbox)).toEqual([]);
    outbox.stored("l-3", 3);
    expect(taken(outbox)).toEqual([["l-4", "l-5"]]);
  });

  it("keeps frames below the largest size", () => {
    const outbox = new Outbox(10);
    for (const number of [1, 2, 3]) outbox.add(entry(number, "7", "ä".repeat(10_000)));
    const small = { ...LIMITS, frameBytesMax: 45_000 };
    expect(outbox.take(0, small).map(({ entries }) => entries.length)).toEqual([2]);
  });

  it("refuses what is too much, and says so", () => {
    const outbox = new Outbox(2);
    outbox.add(entry(1));
    outbox.add(entry(2));
    expect(() => outbox.add(entry(3))).toThrow(expect.objectContaining({ code: "outbox_full" }));
    outbox.discard("l-1");
    outbox.add(entry(3));
    expect(outbox.size).toBe(2);
  });

  it("sends again what was under way when the connection broke", () => {
    const outbox = filled(2);
    expect(taken(outbox)).toEqual([["l-1", "l-2"]]);
    outbox.interrupted();
    expect(taken(outbox)).toEqual([["l-1", "l-2"]]);
  });

  it("lets none overtake one that has to wait", () => {
    const outbox = filled(2);
    taken(outbox);
    outbox.interrupted();
    outbox.postponed("l-1", 500);
    expect(taken(outbox, 499)).toEqual([]);
    expect(outbox.wakeAtMs(499)).toBe(500);
    expect(taken(outbox, 500)).toEqual([["l-1", "l-2"]]);
  });

  it("shows a stored one as pending until its place is on show", () => {
    const outbox = filled(1);
    taken(outbox);
    outbox.stored("l-1", 9);
    expect(outbox.pending("7")).toMatchObject([{ localId: "l-1", state: "sending" }]);
    outbox.shown("7", 8);
    expect(outbox.size).toBe(1);
    outbox.shown("7", 9);
    expect(outbox.size).toBe(0);
  });

  it("passes over a failed one, and tries it again when told", () => {
    const outbox = filled(2);
    taken(outbox);
    outbox.failed("l-1", { code: "not_member", message: "no" });
    outbox.stored("l-2", 1);
    expect(taken(outbox)).toEqual([]);
    expect(outbox.pending("7")[0]).toMatchObject({ state: "failed", error: { code: "not_member" } });
    outbox.retry("l-1");
    expect(taken(outbox)).toEqual([["l-1"]]);
  });

  it("puts those that were kept before those that came after", () => {
    const outbox = new Outbox(1);
    outbox.add(entry(3));
    for (const number of [2, 1, 3]) outbox.adopt(entry(number));
    expect(taken(outbox)).toEqual([["l-1", "l-2", "l-3"]]);
  });

  it("sends everything, in order, whatever breaks between", () => {
    const fate = fc.constantFrom("acked", "cut", "cut after storing", "overloaded");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(fate, { maxLength: 40 }), (count, fates) => {
        const outbox = filled(count);
        const stored: string[] = [];
        let nowMs = 0;
        const left = [...fates];
        for (let round = 0; outbox.size > 0; round++) {
          expect(round).toBeLessThan(200);
          nowMs += 1000;
          const fate = left.shift() ?? "acked";
          for (const { entries } of outbox.take(nowMs, LIMITS)) {
            if (fate === "overloaded") {
              for (const { localId } of entries) outbox.postponed(localId, nowMs + 1500);
              continue;
            }
            if (fate === "cut") {
              outbox.interrupted();
              continue;
            }
            for (const { localId } of entries) {
              if (!stored.includes(localId)) stored.push(localId);
              if (fate === "acked") outbox.stored(localId, stored.indexOf(localId) + 1);
            }
            if (fate !== "acked") outbox.interrupted();
          }
          // What is left is pending in the order it was sent.
          const pending = outbox.pending("7").map(({ atMs }) => atMs);
          expect(pending).toEqual([...pending].sort((a, b) => a - b));
          outbox.shown("7", stored.length);
        }
        expect(stored).toEqual(Array.from({ length: count }, (_, index) => `l-${index + 1}`));
      }),
    );
  });
});
