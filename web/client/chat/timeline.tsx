"use client";

import { ArrowDown, ArrowUp, MessageCircle } from "lucide-react";
import {
  type ReactNode,
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
import { extraHeight, frameOf, keyOf } from "@/lib/rows";
import { testids } from "@/lib/testids";
import { unreadLine } from "@/lib/unread";
import { estimateHeight } from "@/lib/virtual/heights";
import { Place } from "@/lib/virtual/place";
import { Empty } from "@/parts/empty";
import { Spinner } from "@/parts/spinner";
import { useNow } from "../use-now";
import { Row } from "./row";
import { stepThroughActions } from "./step-actions";
import { useJump } from "./use-jump";
import { useSeen, useUnseen } from "./use-seen";

export interface TimelineHandle {
  toEnd(): void;
  /** Shows the message with this `seq`, fetching older ones where it takes that. */
  jump(seq: number): void;
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
/** Pages that a way up to a wanted message may take: as many as a log keeps. */
const pagesJumpMax = 200;
/** After a page that did not come. */
const askAgainMs = 2000;
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
          estimate: (item) => estimateHeight(item.content, columns.current, 22, 26) + extraHeight(item),
        },
        pad,
      ),
  );
  const { items, hasOlder, loading } = log;

  const line = useMemo(() => unreadLine(items, me, unreadAfter, hasOlder), [items, me, unreadAfter, hasOlder]);
  const lineAbove = line.kind === "above";

  // The line of what is new is kept in sight from when it is drawn until the reader goes on from there.
  const [held, hold] = useState(unreadAfter !== null);
  const [drawnAfter, setDrawnAfter] = useState(unreadAfter);
  const [pagesLeft, setPagesLeft] = useState(pagesUpMax);
  if (drawnAfter !== unreadAfter) {
    setDrawnAfter(unreadAfter);
    hold(unreadAfter !== null && (held || place.atEnd));
    // All of it was read elsewhere, and nobody has gone on from the line.
    if (held && unreadAfter === null) place.goToEnd();
    setPagesLeft(pagesUpMax);
  }
  place.update(items);
  if (held && line.kind === "at") place.goTo(line.index, unreadOffset);
  place.look();
  const { start, end } = place.drawn;

  // The line is further up than what is here: older pages are fetched, and nothing is shown that would jump away.
  const seeking = held && lineAbove && online && pagesLeft > 0;
  useEffect(() => {
    if (lineAbove && pagesLeft === 0) hold(false);
  }, [lineAbove, pagesLeft]);

  const asking = useRef(false);
  const [answered, answer] = useReducer((count: number) => count + 1, 0);
  const askOlder = useCallback(() => {
    if (asking.current) return;
    asking.current = true;
    const free = () => {
      asking.current = false;
      answer();
    };
    conversation.loadOlder().then(
      () => {
        if (seeking) setPagesLeft((left) => left - 1);
        free();
      },
      () => {
        // What was refused is asked again, but not at once, and nobody waits for the line.
        if (seeking) hold(false);
        setTimeout(free, askAgainMs);
      },
    );
  }, [conversation, seeking]);

  /** Looks whether the reader has moved. */
  const follow = useCallback(() => {
    const view = scroller.current;
    if (!view || !place.stands(view.scrollTop, view.scrollHeight - view.clientHeight)) return false;
    hold(false);
    return true;
  }, [place]);

  /** The row that stands first in the page: which rows are wanted may have changed since they were drawn. */
  const firstShown = useRef(0);

  /** Measures what is drawn, then scrolls to where the reader was. */
  // biome-ignore lint/correctness/useExhaustiveDependencies: seenRef is a ref, defined below.
  const settle = useCallback(() => {
    const view = scroller.current;
    const rows = list.current;
    if (!view || !rows) return;
    follow();
    place.viewport = view.clientHeight;
    let index = firstShown.current;
    for (const row of rows.children) place.measure(index++, row.getBoundingClientRect().height);
    const wanted = place.wantedTop();
    if (Math.abs(view.scrollTop - wanted) >= 1) view.scrollTop = wanted;
    place.stood(view.scrollTop);
    if (place.look()) redraw();
    else place.rest();
    setAtEnd(place.atEnd);
    // Whatever brought it in sight: a jump, a new message, rows that turned out smaller.
    seenRef.current();
  }, [place, follow]);

  useLayoutEffect(() => {
    firstShown.current = start;
    settle();
  });

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
    if (!follow()) return;
    if (place.look()) redraw();
    setAtEnd(place.atEnd);
    seenRef.current();
  }, [place, follow]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: after each drawing it is looked whether there is enough above.
  useEffect(() => {
    if (!online || !hasOlder || loading) return;
    if (place.drawn.start < olderWithin || seeking) askOlder();
  }, [online, hasOlder, loading, items, start, askOlder, seeking, answered]);

  const lastSeq = useRef(0);
  lastSeq.current = Math.max(readSeq, 0);
  const seen = useCallback(() => {
    // What is in sight is not where the reader will be.
    if (held && lineAbove) return;
    // All of it was seen: from now on what comes is followed.
    if (place.atEnd && line.kind === "at" && !log.gap) hold(false);
    for (let at = place.lastSeen(); at >= 0; at--) {
      const item = place.items[at];
      if (item?.kind !== "message") continue;
      if (item.seq > lastSeq.current) onSeen(item.seq);
      return;
    }
  }, [place, onSeen, held, line.kind, lineAbove, log.gap]);
  const seenRef = useSeen(seen, looked);

  const toEnd = useCallback(() => {
    follow();
    hold(false);
    place.goToEnd();
    redraw();
    settle();
  }, [place, follow, settle]);
  const goTo = useCallback(
    (index: number) => {
      follow();
      hold(false);
      place.goTo(index, unreadOffset);
      redraw();
    },
    [place, follow],
  );
  const { jump, marked, going } = useJump({ conversation, items, pagesMax: pagesJumpMax, scroller, goTo });
  useImperativeHandle(ref, () => ({ toEnd, jump }), [toEnd, jump]);

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
          aria-busy={seeking}
          onKeyDown={stepThroughActions}
          className="mt-auto shrink-0 aria-busy:invisible"
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
              marked={item.kind === "message" && item.seq === marked}
              conversation={conversation}
              reachable={at === end - start - 1}
              {...frameOf(items, start + at, me, line.kind === "at" ? line.seq : null)}
            />
          ))}
        </ol>
      </section>
      {(items.length === 0 && loading) || seeking ? (
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
      {lineAbove && !seeking && online ? (
        <p className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
          <button
            type="button"
            data-testid={testids.firstUnread}
            onClick={() => {
              setPagesLeft(pagesUpMax);
              hold(true);
            }}
            className="pointer-events-auto flex h-8 items-center gap-1.5 rounded-full border border-line bg-raised px-3 font-medium text-accent text-sm shadow-pop hover:bg-hover pointer-coarse:h-10"
          >
            <ArrowUp aria-hidden="true" className="size-4" />
            {t("firstUnread")}
          </button>
        </p>
      ) : null}
      {going ? (
        <Pill testid={testids.goingThere} busy={going === "there"}>
          {t(going === "there" ? "goingThere" : "notReached")}
        </Pill>
      ) : loading && items.length > 0 && !seeking && start < olderWithin && !atEnd ? (
        <Pill busy>{t("loadingOlder")}</Pill>
      ) : null}
      {atEnd && !seeking ? null : (
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

/** What goes on, above the messages. */
function Pill({ busy, testid, children }: { busy: boolean; testid?: string; children: ReactNode }) {
  return (
    <p className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
      <span
        role={testid ? "status" : undefined}
        data-testid={testid}
        className="flex items-center gap-2 rounded-full border border-line bg-raised px-3 py-1 text-muted text-xs shadow-pop"
      >
        {busy ? <Spinner className="size-3" /> : null}
        {children}
      </span>
    </p>
  );
}
