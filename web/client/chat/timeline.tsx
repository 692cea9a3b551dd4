"use client";

import { ArrowDown, ArrowUp, MessageCircle } from "lucide-react";
import {
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "react";
import { useTranslations } from "use-intl";
import type { Conversation, LogItem, LogView } from "@/lib/oort";
import { stateOf } from "@/lib/receipts";
import { firstUnread, frameOf, keyOf } from "@/lib/rows";
import { testids } from "@/lib/testids";
import { estimateHeight } from "@/lib/virtual/heights";
import { Place } from "@/lib/virtual/place";
import { Empty } from "@/parts/empty";
import { Spinner } from "@/parts/spinner";
import { useNow } from "../use-now";
import { Row } from "./row";

export interface TimelineHandle {
  toEnd(): void;
}

interface TimelineProps {
  ref: Ref<TimelineHandle>;
  conversation: Conversation;
  log: LogView;
  me: string;
  name: string;
  direct: boolean;
  /** How far the others have come; null = not told here. */
  others: { deliveredSeq: number; readSeq: number } | null;
  readSeq: number;
  unreadAfter: number | null;
  looked: boolean;
  online: boolean;
  onSeen: (seq: number) => void;
}

/** Space above and below the messages. */
const pad = 12;
/** Older messages are fetched when fewer rows than this are above. */
const olderWithin = 15;
/** Pages that a way up to the first unread message may take; a reader of more scrolls. */
const pagesUpMax = 30;
/** After a page that did not come. */
const askAgainMs = 2000;
/** A message counts as read when it was in sight for so long. */
const readAfterMs = 250;
/** Where the line of what is new comes to stand when a conversation is opened. */
const unreadOffset = 64;

/** The messages of a conversation. Draws those in sight only, and keeps what is read where it is. */
export function Timeline({
  ref,
  conversation,
  log,
  me,
  name,
  direct,
  others,
  readSeq,
  unreadAfter,
  looked,
  online,
  onSeen,
}: TimelineProps) {
  const t = useTranslations("chat");
  const now = useNow(60_000);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [atEnd, setAtEnd] = useState(true);
  const columns = useRef(60);
  const [place] = useState(
    () =>
      new Place<LogItem>(
        {
          key: (item) => keyOf(item, me),
          estimate: (item) => estimateHeight(item.content, columns.current, 22, 26),
        },
        pad,
      ),
  );
  const { items, hasOlder, loading } = log;

  const unreadSeq = useMemo(() => {
    if (unreadAfter === null) return null;
    const index = firstUnread(items, me, unreadAfter);
    const item = items[index];
    if (item?.kind !== "message") return null;
    // Nothing older is here yet: the first unread one may be further up.
    return index === 0 && hasOlder && item.seq > unreadAfter + 1 ? null : item.seq;
  }, [items, me, unreadAfter, hasOlder]);

  // Opened with something unread: begin where the reader had stopped.
  const begun = useRef(false);
  place.update(items);
  // The first unread one was further up than what was here: fetched on demand, up to a bound.
  const [pagesLeft, setPagesLeft] = useState(0);
  const firstSeq = items[0]?.kind === "message" ? items[0].seq : 0;
  const unreadAbove = unreadAfter !== null && hasOlder && firstSeq > unreadAfter + 1;
  if (pagesLeft > 0 && !unreadAbove && unreadSeq !== null) {
    setPagesLeft(0);
    place.goTo(
      items.findIndex((item) => item.kind === "message" && item.seq === unreadSeq),
      unreadOffset,
    );
    place.look();
  }
  if (!begun.current && items.length > 0) {
    begun.current = true;
    if (unreadSeq !== null)
      place.goTo(
        items.findIndex((item) => item.kind === "message" && item.seq === unreadSeq),
        unreadOffset,
      );
    place.look();
  }
  const { start, end } = place.drawn;

  const asking = useRef(false);
  const [answered, answer] = useReducer((count: number) => count + 1, 0);
  const askOlder = useCallback(() => {
    if (asking.current) return;
    asking.current = true;
    const free = () => {
      asking.current = false;
      answer();
    };
    // What was refused is asked again, but not at once.
    setPagesLeft((left) => Math.max(0, left - 1));
    conversation.loadOlder().then(free, () => setTimeout(free, askAgainMs));
  }, [conversation]);

  /** Measures what is drawn, then scrolls to where the reader was. */
  const settle = useCallback(() => {
    const view = scroller.current;
    const rows = list.current;
    if (!view || !rows) return;
    place.viewport = view.clientHeight;
    const { start: first } = place.drawn;
    let index = first;
    for (const row of rows.children) place.measure(index++, row.getBoundingClientRect().height);
    const wanted = place.wantedTop();
    if (Math.abs(view.scrollTop - wanted) >= 1) view.scrollTop = wanted;
    place.scrollTop = view.scrollTop;
    if (place.look()) redraw();
    else place.rest();
    setAtEnd(place.atEnd);
  }, [place]);

  useLayoutEffect(settle);

  // Fonts, images and the width of the window change heights without a drawing.
  useEffect(() => {
    const view = scroller.current;
    const rows = list.current;
    if (!view || !rows) return;
    let width = view.clientWidth;
    const observer = new ResizeObserver(() => {
      if (view.clientWidth !== width) {
        width = view.clientWidth;
        columns.current = Math.max(20, Math.min(70, (width * 0.72) / 8));
        place.forget();
        redraw();
      }
      settle();
    });
    columns.current = Math.max(20, Math.min(70, (width * 0.72) / 8));
    observer.observe(view);
    observer.observe(rows);
    return () => observer.disconnect();
  }, [place, settle]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: seenRef is a ref, defined below.
  const scrolled = useCallback(() => {
    const view = scroller.current;
    if (!view || Math.abs(view.scrollTop - place.scrollTop) < 1) return;
    place.scrolled(view.scrollTop);
    if (place.look()) redraw();
    setAtEnd(place.atEnd);
    seenRef.current();
  }, [place]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: after each drawing it is looked whether there is enough above.
  useEffect(() => {
    if (!online || !hasOlder || loading) return;
    if (place.drawn.start < olderWithin || (pagesLeft > 0 && unreadAbove)) askOlder();
  }, [online, hasOlder, loading, items, start, askOlder, pagesLeft, unreadAbove, answered]);

  const lastSeq = useRef(0);
  lastSeq.current = Math.max(readSeq, 0);
  const seen = useCallback(() => {
    for (let at = place.lastSeen(); at >= 0; at--) {
      const item = place.items[at];
      if (item?.kind !== "message") continue;
      if (item.seq > lastSeq.current) onSeen(item.seq);
      return;
    }
  }, [place, onSeen]);
  const seenRef = useSeen(seen, looked, items);

  const toEnd = useCallback(() => {
    place.goToEnd();
    redraw();
    settle();
  }, [place, settle]);
  useImperativeHandle(ref, () => ({ toEnd }), [toEnd]);

  const unseen = useUnseen(items, me, atEnd);

  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={scroller}
        data-testid={testids.timeline}
        data-loading={loading}
        aria-label={t("messages", { name })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
        tabIndex={0}
        onScroll={scrolled}
        className="own-anchor absolute inset-0 flex flex-col overflow-y-auto overflow-x-hidden overscroll-contain focus-visible:-outline-offset-2"
      >
        <ol
          ref={list}
          // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
          role="list"
          className="mt-auto shrink-0"
          style={{
            paddingTop: place.heights.top(start) + pad,
            paddingBottom: place.heights.total - place.heights.top(end) + pad,
          }}
        >
          {items.slice(start, end).map((item, at) => (
            <Row
              key={keyOf(item, me)}
              item={item}
              state={stateOf(item, me, others)}
              mine={item.kind === "pending" || item.sender.id === me}
              direct={direct}
              position={start + at + 1}
              size={hasOlder ? -1 : items.length}
              now={now}
              conversation={conversation}
              {...frameOf(items, start + at, me, unreadSeq)}
            />
          ))}
        </ol>
      </section>
      {items.length === 0 && loading ? (
        <div className="pointer-events-none absolute inset-0 flex items-center justify-center text-muted">
          <Spinner className="size-6" />
        </div>
      ) : null}
      {items.length === 0 && !loading && !hasOlder ? (
        <div className="pointer-events-none absolute inset-0 flex">
          <Empty icon={MessageCircle} title={t("noMessages")}>
            <p>{t("noMessagesHint")}</p>
          </Empty>
        </div>
      ) : null}
      {unreadAbove && pagesLeft === 0 ? (
        <p className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
          <button
            type="button"
            data-testid={testids.firstUnread}
            onClick={() => setPagesLeft(pagesUpMax)}
            className="pointer-events-auto flex h-8 items-center gap-1.5 rounded-full border border-line bg-raised px-3 font-medium text-accent text-sm shadow-pop hover:bg-hover pointer-coarse:h-10"
          >
            <ArrowUp aria-hidden="true" className="size-4" />
            {t("firstUnread")}
          </button>
        </p>
      ) : null}
      {loading && items.length > 0 && (pagesLeft > 0 || (start < olderWithin && !atEnd)) ? (
        <p className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
          <span className="flex items-center gap-2 rounded-full border border-line bg-raised px-3 py-1 text-muted text-xs shadow-pop">
            <Spinner className="size-3" />
            {t("loadingOlder")}
          </span>
        </p>
      ) : null}
      {atEnd ? null : (
        <button
          type="button"
          data-testid={testids.newMessages}
          data-count={unseen}
          onClick={toEnd}
          className="absolute right-4 bottom-3 flex h-10 animate-appear items-center gap-2 rounded-full border border-line bg-raised px-3 font-medium text-sm shadow-pop hover:bg-hover data-[count='0']:w-10 data-[count='0']:justify-center data-[count='0']:px-0"
        >
          {unseen > 0 ? <span className="text-accent tabular-nums">{t("newMessages", { count: unseen })}</span> : null}
          <ArrowDown aria-hidden="true" className="size-4.5" />
          {unseen > 0 ? null : <span className="sr-only">{t("toEnd")}</span>}
        </button>
      )}
    </div>
  );
}

/** Tells what was seen, a moment after the last movement; at once when somebody begins to look. */
function useSeen(seen: () => void, looked: boolean, items: readonly LogItem[]) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const later = useCallback(() => {
    if (!looked || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      seen();
    }, readAfterMs);
  }, [looked, seen]);
  const latest = useRef(later);
  latest.current = later;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new message may be in sight at once.
  useEffect(() => later(), [later, items]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  useEffect(() => {
    if (looked) return;
    clearTimeout(timer.current);
    timer.current = undefined;
  }, [looked]);
  const call = useRef(() => latest.current());
  return call;
}

/** How many messages of others came since the reader left the end. */
function useUnseen(items: readonly LogItem[], me: string, atEnd: boolean): number {
  const last = lastSeqOf(items);
  const leftAt = useRef(last);
  if (atEnd) leftAt.current = last;
  if (atEnd || last <= leftAt.current) return 0;
  let count = 0;
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind !== "message") continue;
    if (item.seq <= leftAt.current) break;
    if (item.sender.id !== me) count += 1;
  }
  return count;
}

function lastSeqOf(items: readonly LogItem[]): number {
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind === "message") return item.seq;
  }
  return 0;
}
