"use client";

import { BellOff, Pin } from "lucide-react";
import { memo, useMemo } from "react";
import { useTranslations } from "use-intl";
import { pictureOf } from "@/lib/attachments";
import { isMuted } from "@/lib/closed";
import type { ConversationEntry } from "@/lib/oort";
import { type Standing, standingOf } from "@/lib/presence";
import { addressOf, navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { cx } from "@/parts/cx";
import { useContentText } from "../content-text";
import { useClock } from "../language";
import { facePicture, useProfile } from "../people/profiles";
import { useMe } from "../session";
import { useSystemText } from "../system-text";
import { useNow } from "../use-now";
import { usePresence } from "../use-presence";

/** Presence is watched of the first so many people in the list; the server allows 100 in all. */
const watchedMax = 50;

export function Items({
  entries,
  openId,
  onOpen,
}: {
  entries: readonly ConversationEntry[];
  openId: string | null;
  onOpen?: () => void;
}) {
  const me = useMe();
  const now = useNow();
  const peers = entries.flatMap(({ peerId }) => (peerId ? [peerId] : [])).slice(0, watchedMax);
  const presence = usePresence(peers);
  return (
    // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
    <ul role="list" data-testid={testids.conversationList}>
      {entries.map((entry) => (
        <Item
          key={entry.id}
          entry={entry}
          me={me.id}
          now={now}
          open={entry.id === openId}
          muted={isMuted(entry, now)}
          standing={entry.peerId ? standingOf(presence.get(entry.peerId)) : null}
          onOpen={onOpen}
        />
      ))}
    </ul>
  );
}

interface ItemProps {
  entry: ConversationEntry;
  me: string;
  now: number;
  open: boolean;
  muted: boolean;
  standing: Standing;
  onOpen?: () => void;
}

const Item = memo(function Item({ entry, me, now, open, muted, standing, onOpen }: ItemProps) {
  const t = useTranslations("list");
  const clock = useClock();
  const { id, kind, name, unread, lastMessage, lastAtMs } = entry;
  const profile = useProfile(entry.peerId);
  const nick = profile?.nick;
  return (
    <li className="lazy-item">
      <a
        href={addressOf({ screen: "chat", conversation: id, info: false })}
        data-list-item
        data-testid={testids.conversationItem}
        data-conversation={id}
        data-kind={kind}
        aria-current={open ? "page" : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          navigate({ screen: "chat", conversation: id, info: false });
          onOpen?.();
        }}
        className={cx(
          "flex h-16 items-center gap-3 rounded-xl px-2 transition-colors focus-visible:-outline-offset-2",
          open ? "bg-accent-soft" : "hover:bg-hover",
        )}
      >
        <Avatar
          id={entry.peerId ?? id}
          name={nick || name}
          kind={kind}
          picture={facePicture(profile) ?? pictureOf(entry.avatar, location.origin)}
          standing={standing}
        />
        <span className="flex min-w-0 flex-1 flex-col">
          <span className="flex items-baseline gap-2">
            <span className={cx("min-w-0 truncate", unread > 0 ? "font-semibold" : "font-medium")}>
              {nick ? <bdi>{nick} </bdi> : null}
              <bdi className={nick ? cx("font-normal text-sm", open ? "text-accent-text" : "text-muted") : undefined}>
                {name}
              </bdi>
            </span>
            {muted ? <BellOff aria-label={t("muted")} className="size-3.5 shrink-0 self-center text-muted" /> : null}
            {entry.pinned ? (
              <Pin
                aria-label={t("pinned")}
                data-testid={testids.conversationPinned}
                className="size-3.5 shrink-0 self-center text-muted"
              />
            ) : null}
            {standing ? (
              <span data-testid={testids.conversationPresence} data-standing={standing} className="sr-only">
                {t(standing)}
              </span>
            ) : null}
            {lastAtMs > 0 ? (
              <time
                dateTime={new Date(lastAtMs).toISOString()}
                className={cx("ml-auto shrink-0 text-xs tabular-nums", open ? "text-accent-text" : "text-muted")}
              >
                {clock.brief(lastAtMs, now)}
              </time>
            ) : null}
          </span>
          <span className="flex items-center gap-2">
            <span
              data-testid={testids.conversationPreview}
              className={cx("min-w-0 flex-1 truncate text-sm", open ? "text-accent-text" : "text-muted")}
            >
              <Preview message={lastMessage} kind={kind} me={me} />
            </span>
            {unread > 0 ? (
              <span
                data-testid={testids.conversationUnread}
                data-count={unread}
                className={cx(
                  "min-w-5 shrink-0 rounded-full px-1.5 text-center font-semibold text-xs leading-5 tabular-nums",
                  muted ? "bg-sunken text-muted" : "bg-accent text-on-accent",
                )}
              >
                {unread > 999 ? "999+" : unread}
                <span className="sr-only"> {t("unreadCount", { count: unread })}</span>
              </span>
            ) : null}
          </span>
        </span>
      </a>
    </li>
  );
});

function Preview({
  message,
  kind,
  me,
}: {
  message: ConversationEntry["lastMessage"];
  kind: ConversationEntry["kind"];
  me: string;
}) {
  const t = useTranslations("list");
  const systemText = useSystemText();
  // One line of a long text is enough.
  const contentText = useContentText();
  const text = useMemo(
    () => (message ? contentText(message).slice(0, 160).replace(/\s+/gu, " ") : undefined),
    [message, contentText],
  );
  if (!message) return t("noMessages");
  if (message.system) return systemText(message);
  if (message.gone) return t(message.gone === "expired" ? "ended" : "gone");
  if (message.sender.id === me) return t("you", { text: text ?? "" });
  return kind === "direct" ? text : t("by", { name: message.sender.username, text: text ?? "" });
}
