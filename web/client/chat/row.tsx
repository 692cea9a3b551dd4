"use client";

import { Check, CheckCheck, CircleAlert, Clock3, Ellipsis, Undo2 } from "lucide-react";
import { type ComponentProps, lazy, memo, type ReactNode, Suspense, useContext } from "react";
import { useTranslations } from "use-intl";
import { roomOf } from "@/lib/attachments";
import type { Conversation, LogItem, Message } from "@/lib/oort";
import type { MessageState } from "@/lib/receipts";
import type { RowFrame } from "@/lib/rows";
import { testids } from "@/lib/testids";
import { isEmojiOnly } from "@/lib/text/emoji";
import { IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { useClock } from "../language";
import { lazyPart } from "../lazy-part";
import { OnIntent } from "../on-intent";
import { Face, PersonName } from "../people/person-name";
import { useSystemText } from "../system-text";
import { ActionsContext } from "./actions-context";
import { MessageText } from "./message-text";
import { Forwarded, QuoteLine } from "./quote";
import { Remaining } from "./remaining";

const loadActions = () => import("./actions");
const Actions = lazy(loadActions);
const Failed = lazyPart(() => import("./failed"));
const Attached = lazyPart(() => import("./attached"));

interface RowProps extends RowFrame {
  item: LogItem;
  state: MessageState;
  mine: boolean;
  direct: boolean;
  position: number;
  size: number;
  now: number;
  /** The reader was brought to it. */
  marked: boolean;
  conversation: Conversation;
  /** Tab comes to its actions; arrows go on to those of the others. */
  reachable: boolean;
}

/** A message, and the separators above it. */
export const Row = memo(function Row(props: RowProps) {
  const { item, state, mine, day, unread, position, size, now, marked } = props;
  const t = useTranslations("chat");
  const clock = useClock();
  const ids = item.kind === "message" ? { "data-seq": item.seq } : { "data-local-id": item.localId };
  return (
    <li
      data-testid={testids.message}
      data-state={state}
      data-mine={mine}
      data-marked={marked || undefined}
      {...ids}
      aria-posinset={position}
      aria-setsize={size}
      className="contain-content px-3 transition-colors duration-500 data-marked:bg-accent-soft md:px-5"
    >
      {day ? (
        <p data-testid={testids.daySeparator} className="flex justify-center py-3">
          <span className="rounded-full bg-sunken px-3 py-0.5 font-medium text-muted text-xs">
            {clock.day(item.atMs, now)}
          </span>
        </p>
      ) : null}
      {unread ? (
        <p
          data-testid={testids.unreadSeparator}
          className="flex items-center gap-3 py-2 font-medium text-accent text-xs"
        >
          <span aria-hidden="true" className="h-px flex-1 bg-accent opacity-40" />
          {t("unread")}
          <span aria-hidden="true" className="h-px flex-1 bg-accent opacity-40" />
        </p>
      ) : null}
      {state === "system" && item.kind === "message" ? <SystemLine item={item} /> : <Bubble {...props} />}
    </li>
  );
});

function SystemLine({ item }: { item: LogItem & { kind: "message" } }) {
  const systemText = useSystemText();
  const clock = useClock();
  return (
    <p data-testid={testids.messageText} className="px-6 py-2 text-center text-muted text-sm">
      {systemText(item)} <time className="text-xs tabular-nums">{clock.time(item.atMs)}</time>
    </p>
  );
}

function Bubble({ item, state, mine, direct, first, last, conversation, reachable }: RowProps) {
  const t = useTranslations("message");
  const sender = item.kind === "message" ? item.sender : null;
  const gone = item.kind === "message" && item.gone !== undefined;
  const { attachment, contentKind } = item;
  const plain = !attachment && !item.reply && !(item.kind === "message" && item.forwardedFrom);
  const large = !gone && plain && isEmojiOnly(item.content);
  const { calls } = useContext(ActionsContext);
  const called = !mine && item.kind === "message" && calls(item);
  const failed = state === "failed";
  return (
    <div className={cx("group/row flex items-end gap-2", mine && "justify-end", first ? "pt-2.5" : "pt-0.5")}>
      {mine || direct || !sender ? null : last ? <Face user={sender} size="sm" /> : <span className="w-8 shrink-0" />}
      <div className={cx("flex min-w-0 max-w-[min(40rem,82%)] flex-col", mine ? "items-end" : "items-start")}>
        {first && !mine && !direct && sender ? (
          <p className="max-w-full truncate pb-0.5 pl-3 font-medium text-muted text-xs">
            <PersonName user={sender} />
          </p>
        ) : null}
        <div
          className={cx(
            "min-w-0 max-w-full",
            large ? "flex flex-col px-1" : "rounded-2xl px-3 py-1.5",
            !large && !mine && cx("border border-line bg-surface", !first && "rounded-tl-md", !last && "rounded-bl-md"),
            !large && mine && cx("bg-accent-soft", !first && "rounded-tr-md", !last && "rounded-br-md"),
            failed && "outline outline-danger",
            called && "border-accent!",
          )}
          data-called={called || undefined}
        >
          <span className="sr-only">{mine ? t("me") : `${sender?.username ?? ""}: `}</span>
          {item.kind === "message" && item.forwardedFrom ? <Forwarded by={item.forwardedFrom} /> : null}
          {item.reply ? <QuoteLine quote={item.reply} /> : null}
          {attachment && contentKind && contentKind !== "text" ? (
            <Suspense fallback={<Room of={roomOf(contentKind, attachment)} />}>
              <Attached kind={contentKind} attachment={attachment} />
            </Suspense>
          ) : null}
          {gone ? (
            <Gone mine={mine} ended={item.kind === "message" && item.gone === "expired"} />
          ) : (
            <MessageText content={item.content} large={large} called={hasCalls(item)} />
          )}
          <Meta item={item} state={state} mine={mine} />
        </div>
        {item.kind === "message" && item.reactions ? <Reactions item={item} reactions={item.reactions} /> : null}
        {failed && item.kind === "pending" ? (
          <Suspense fallback={null}>
            <Failed item={item} conversation={conversation} />
          </Suspense>
        ) : null}
      </div>
      {item.kind === "message" ? <ActionsButton item={item} mine={mine} reachable={reachable} /> : null}
    </div>
  );
}

/** As much room as what is to come. */
function Room({ of }: { of: ReturnType<typeof roomOf> }) {
  if (!of) return <span className="block h-16 w-56" />;
  const style = { width: of.width, aspectRatio: `${of.width} / ${of.height}` };
  return <span style={style} className="my-1 block max-w-full" />;
}

function hasCalls({ mentions, mentionsAll }: LogItem): boolean {
  return mentionsAll === true || (mentions !== undefined && mentions.length > 0);
}

/** What stands where a message was. */
function Gone({ mine, ended }: { mine: boolean; ended: boolean }) {
  const t = useTranslations("message");
  return (
    <span data-testid={testids.messageGone} className={cx("italic", mine ? "text-accent-text" : "text-muted")}>
      <Undo2 aria-hidden="true" className="mr-1.5 inline size-4" />
      {t(ended ? "ended" : "gone")}
    </span>
  );
}

function Reactions({ item, reactions }: { item: Message; reactions: NonNullable<Message["reactions"]> }) {
  const t = useTranslations("actions");
  const { react } = useContext(ActionsContext);
  if (reactions.length === 0) return null;
  return (
    // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
    <ul role="list" aria-label={t("reactions")} className="flex max-w-full flex-wrap gap-1 pt-1">
      {reactions.map(({ emoji, count, mine }) => (
        <li key={emoji}>
          <button
            type="button"
            data-testid={testids.reaction}
            data-emoji={emoji}
            aria-pressed={mine}
            aria-label={t("reacted", { emoji, count })}
            onClick={() => react(item, emoji, !mine)}
            className="flex h-6 items-center gap-1 rounded-full border border-line bg-surface px-2 text-xs tabular-nums transition-colors hover:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent-text pointer-coarse:h-8"
          >
            <span className="font-emoji">{emoji}</span>
            {count}
          </button>
        </li>
      ))}
    </ul>
  );
}

function ActionsButton({ item, mine, reachable }: { item: Message; mine: boolean; reachable: boolean }) {
  const { offered, act, react } = useContext(ActionsContext);
  const actions = offered(item);
  if (actions.length === 0) return null;
  const button = (props: Partial<ComponentProps<typeof IconButton>>) => (
    <MoreButton mine={mine} reachable={reachable} {...props} />
  );
  return (
    <OnIntent
      load={loadActions}
      part={Actions}
      props={{
        trigger: button({}),
        actions,
        mine: item.reactions?.flatMap((one) => (one.mine ? [one.emoji] : [])) ?? [],
        onAction: (action) => act(item, action),
        onReact: (emoji, active) => react(item, emoji, active),
      }}
      button={(press) => button({ "aria-haspopup": "menu", ...press })}
    />
  );
}

function MoreButton({
  mine,
  reachable,
  ...rest
}: { mine: boolean; reachable: boolean } & Partial<ComponentProps<typeof IconButton>>) {
  const t = useTranslations("actions");
  return (
    <IconButton
      label={t("label")}
      data-testid={testids.messageActions}
      data-actions
      tabIndex={reachable ? 0 : -1}
      className={cx(
        "size-7! self-center opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100 data-[state=open]:opacity-100 pointer-coarse:size-9! pointer-coarse:opacity-60",
        mine && "order-first",
      )}
      {...rest}
    >
      <Ellipsis className="size-4.5" />
    </IconButton>
  );
}

function Meta({ item, state, mine }: { item: LogItem; state: MessageState; mine: boolean }) {
  const t = useTranslations("message");
  const clock = useClock();
  return (
    <span
      className={cx(
        "float-right mt-1.5 -mb-0.5 ml-2.5 flex justify-end select-none items-center gap-1 text-xs tabular-nums",
        mine ? "text-accent-text" : "text-muted",
      )}
    >
      {item.kind === "message" && item.editedAtMs !== undefined ? (
        <span data-testid={testids.messageEdited} title={clock.full(item.editedAtMs)}>
          {t("edited")}
        </span>
      ) : null}
      {item.kind === "message" && item.expiresAtMs !== undefined ? <Remaining untilMs={item.expiresAtMs} /> : null}
      <time dateTime={new Date(item.atMs).toISOString()} title={clock.full(item.atMs)}>
        {clock.time(item.atMs)}
      </time>
      {mine && state !== "received" && state !== "system" ? (
        <span data-testid={testids.messageState} title={t(`state.${state}`)} className="inline-flex">
          <Tick state={state} />
          <span className="sr-only">{t(`state.${state}`)}</span>
        </span>
      ) : null}
    </span>
  );
}

function Tick({ state }: { state: Exclude<MessageState, "received" | "system"> }): ReactNode {
  switch (state) {
    case "queued":
    case "sending":
      return <Clock3 aria-hidden="true" className="size-3.5 opacity-70" />;
    case "failed":
      return <CircleAlert aria-hidden="true" className="size-3.5 text-danger" />;
    case "sent":
      return <Check aria-hidden="true" className="size-4 opacity-70" />;
    case "delivered":
      return <CheckCheck aria-hidden="true" className="size-4 opacity-70" />;
    case "read":
      return <CheckCheck aria-hidden="true" strokeWidth={2.5} className="size-4 text-accent" />;
  }
}
