"use client";

import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { Conversation, LogItem } from "@/lib/oort";
import { callsOff, seek } from "@/lib/seek";

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
  /** What scrolls: who moves it wants to be elsewhere. */
  scroller: RefObject<HTMLElement | null>;
  goTo: (index: number) => void;
}

/** Brings the reader to a message, however far up it is. One that cannot be fetched, or is called off, leaves them where they are. */
export function useJump({ conversation, items, pagesMax, scroller, goTo }: Jumping) {
  const [sought, setSought] = useState<number | null>(null);
  const [marked, mark] = useState<number | null>(null);
  /** `lost`: it cannot be fetched, or is further up than one goes. */
  const [going, setGoing] = useState<"there" | "lost" | null>(null);
  /** Only the last wish counts. */
  const stop = useRef<AbortController>(undefined);

  const jump = useCallback(
    async (seq: number) => {
      stop.current?.abort();
      const mine = new AbortController();
      stop.current = mine;
      const isThere = () => placeOf(conversation.log.get().items, seq) !== null;
      if (!isThere()) setGoing("there");
      const end = await seek({ isThere, loadOlder: conversation.loadOlder }, pagesMax, mine.signal);
      if (end === "off") return;
      setGoing(end === "lost" ? "lost" : null);
      if (end === "there") setSought(seq);
    },
    [conversation, pagesMax],
  );

  // The conversation was left.
  useEffect(() => () => stop.current?.abort(), []);

  useEffect(() => {
    if (going !== "there") return;
    const off = new AbortController();
    const heed = (event: Event) => {
      const isInList = scroller.current?.contains(event.target as Node) === true;
      if (event instanceof KeyboardEvent) {
        // A window above it is what Escape closes.
        if (event.isComposing || document.querySelector("dialog[open]") || !callsOff(event.key, isInList)) return;
        // It would do something else besides.
        if (event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
        }
      } else if (!isInList) return;
      stop.current?.abort();
      setGoing(null);
    };
    for (const kind of ["wheel", "touchmove", "keydown"])
      addEventListener(kind, heed, { capture: true, passive: kind !== "keydown", signal: off.signal });
    return () => off.abort();
  }, [going, scroller]);

  useEffect(() => {
    const index = sought === null ? null : placeOf(items, sought);
    if (index === null) return;
    goTo(index);
    mark(sought);
    setSought(null);
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
