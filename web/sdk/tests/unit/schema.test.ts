import { describe, expect, it } from "vitest";
import { ANN } from "../support/messages.js";
import { examples, FRAME_TYPES, faultOf } from "../support/schema.js";

describe("the schema of oort.v1", () => {
  for (const side of ["server", "client"] as const) {
    it(`takes every example of a ${side} frame in docs/protocol.md, and no other field`, () => {
      const shown = examples(side);
      expect(shown.length).toBeGreaterThan(4);
      for (const frame of shown) {
        expect(faultOf(side, frame)).toBeNull();
        const { type, payload } = frame as { type: string; payload: object };
        expect(faultOf(side, { type, payload: { ...payload, surprise: 1 } })).not.toBeNull();
      }
    });

    it(`describes the types of ${side} frames that docs/protocol.md shows, and no others`, () => {
      const shown = new Set(examples(side).map((frame) => (frame as { type: string }).type));
      expect([...shown].sort()).toEqual([...FRAME_TYPES[side]].sort());
    });
  }

  it("refuses what misses a field or has one of another type", () => {
    const payload = { roomId: "7", userId: "2", deliveredSeq: 44, readSeq: 42, head: 50, unread: 5 };
    expect(faultOf("server", { type: "cursor", payload })).toBeNull();
    expect(faultOf("server", { type: "cursor", payload: { ...payload, roomId: 7 } })).not.toBeNull();
    const { readSeq: _, ...rest } = payload;
    expect(faultOf("server", { type: "cursor", payload: rest })).not.toBeNull();
    expect(faultOf("server", { type: "cursors", payload })).not.toBeNull();
  });

  it("knows the short hello", () => {
    const session = { key: "0b8f9a3e", heartbeatMs: 60_000 };
    const payload = { session, partial: true, rooms: [], cursor: "c-1" };
    expect(faultOf("server", { type: "hello", payload })).toBeNull();
    expect(faultOf("server", { type: "hello", payload: { ...payload, me: ANN } })).not.toBeNull();
  });
});
