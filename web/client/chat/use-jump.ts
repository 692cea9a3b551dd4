"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import type { Conversation, LogItem } from "@/lib/oort";

/** So long a message is marked to which the reader was brought. */
const markedMs = 2500;
/** So long it is said that it was not reached. */
const lostMs = 5000;

interface Jumping {
  conversation: Conversation;
  /** As they are drawn, which is a moment after they are there. */
  items: readonly LogItem[];
  /** Pages that a way may take. */
  pagesMax: number;
  goTo: (index: number) => void;
}

/** Brings the reader to a message, however far up it is. One that cannot be fetched leaves them where they are. */
export function useJump({ conversation, items, pagesMax, goTo }: Jumping) {
  const [sought, seek] = useState<number | null>(null);
  const [marked, mark] = useState<number | null>(null);
  /** `lost`: it cannot be fetched, or is further up than one goes. */
  const [going, setGoing] = useState<"there" | "lost" | null>(null);
  /** Only the last wish counts. */
  const wish = useRef(0);

  const jump = useCallback(
    async (seq: number) => {
      const mine = ++wish.current;
      const isThere = () => placeOf(conversation.log.get().items, seq) !== null;
      if (!isThere()) setGoing("there");
      try {
        for (let page = 0; page < pagesMax && !isThere() && mine === wish.current; page++)
          if (!(await conversation.loadOlder())) break;
      } catch {
        // What failed is told by the connection bar.
      }
      if (mine !== wish.current) return;
      setGoing(isThere() ? null : "lost");
      if (isThere()) seek(seq);
    },
    [conversation, pagesMax],
  );

  useEffect(() => {
    const index = sought === null ? null : placeOf(items, sought);
    if (index === null) return;
    goTo(index);
    mark(sought);
    seek(null);
  }, [sought, items, goTo]);

  useEffect(() => {
    if (marked === null) return;
    const timer = setTimeout(() => mark(null), markedMs);
    return () => clearTimeout(timer);
  }, [marked]);

  useEffect(() => {
    if (going !== "lost") return;
    const timer = setTimeout(() => setGoing(null), lostMs);
    return () => clearTimeout(timer);
  }, [going]);

  return { jump, marked, going };
}

/** Where the message with this `seq` stands, or the next one where it was removed; null: further up than what is here. */
function placeOf(items: readonly LogItem[], seq: number): number | null {
  const first = items[0];
  if (first?.kind !== "message" || first.seq > seq) return null;
  const index = items.findIndex((item) => item.kind === "message" && item.seq >= seq);
  return index < 0 ? null : index;
}
