"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { contentAfter, foundNow, type Heard, keyOf } from "@/lib/found";
import type { FoundMessage } from "@/lib/oort";
import { useClient } from "../session";
import { useNow } from "../use-now";

/** Typing goes on: the server is asked when it has paused for this long. */
const pauseMs = 300;
/** After this it is said that it takes its time. */
const slowMs = 1500;
/** A page may be empty although there are more: so many are asked for in a row before the reader decides. */
const emptyPagesMax = 4;

export interface Search {
  results: readonly FoundMessage[];
  /** `idle`: there is no word to look for. */
  state: "idle" | "searching" | "slow" | "done" | "refused";
  error?: unknown;
  /** There may be more that was written earlier. */
  hasMore: boolean;
}

interface Known extends Search {
  query: string;
  next?: string;
}

const nothing: Known = { query: "", results: [], state: "idle", hasMore: false };

/** Messages with the words of `query`, newest first, a page at a time; of one conversation, or of all. */
export function useSearch(query: string, conversationId?: string): Search & { more: () => void; again: () => void } {
  const client = useClient();
  const [known, setKnown] = useState<Known>(nothing);
  /** The last one that was begun; answers to others come too late. */
  const run = useRef(0);
  const isWorth = /[\p{L}\p{N}]/u.test(query);

  const ask = useCallback(
    async (results: readonly FoundMessage[], before: string | undefined) => {
      const mine = ++run.current;
      const show = (change: Partial<Known>) => {
        if (mine === run.current) setKnown((now) => ({ ...now, query, ...change }));
      };
      show({ results, state: "searching", error: undefined, hasMore: false, next: before });
      const slow = setTimeout(() => show({ state: "slow" }), slowMs);
      let next = before;
      try {
        for (let pages = 0; pages < emptyPagesMax && mine === run.current; pages++) {
          const page = await client.search(query, { conversationId, before: next });
          next = page.next;
          const all = [...results, ...page.results];
          show({ results: all, next });
          if (page.results.length > 0 || next === undefined) break;
        }
        show({ state: "done", hasMore: next !== undefined });
      } catch (error) {
        show({ state: "refused", error });
      }
      clearTimeout(slow);
    },
    [client, query, conversationId],
  );

  useEffect(() => {
    run.current += 1;
    if (!isWorth) return setKnown(nothing);
    const timer = setTimeout(() => void ask([], undefined), pauseMs);
    return () => {
      clearTimeout(timer);
      run.current += 1;
    };
  }, [isWorth, ask]);

  const heard = useHeard();
  // What was found for other words is not shown any more.
  const shown: Known = known.query === query ? known : { ...nothing, query, state: isWorth ? "searching" : "idle" };
  const now = useNow(shown.results.some(({ message }) => message.expiresAtMs !== undefined) ? 1000 : 60_000);
  return {
    ...shown,
    results: foundNow(shown.results, heard, now),
    more: () => void ask(shown.results, shown.next),
    again: () => void ask(shown.results, shown.next),
  };
}

/** What happened to messages since the search was opened. */
function useHeard(): Heard {
  const client = useClient();
  const [heard, setHeard] = useState<Heard>(new Map());
  useEffect(() => {
    const note = (key: string, changeSeq: number, content: string | null) =>
      setHeard((before) => new Map(before).set(key, { changeSeq, content }));
    const stops = [
      client.on("change", ({ conversationId, change }) => {
        const content = contentAfter(change);
        if (content !== undefined) note(keyOf(conversationId, change.messageSeq), change.seq, content);
      }),
      client.on("event", ({ kind, data: { conversationId, seq } }) => {
        if (kind === "message_hidden") note(keyOf(String(conversationId), Number(seq)), Number.POSITIVE_INFINITY, null);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [client]);
  return heard;
}
