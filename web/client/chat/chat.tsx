"use client";

import { ArrowLeft, MessageCircleOff, PanelRight } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { actionsOf, lastOwn } from "@/lib/actions";
import { features } from "@/lib/features";
import { keptOf } from "@/lib/kept";
import type { ConversationEntry, Message } from "@/lib/oort";
import { slowest } from "@/lib/receipts";
import { navigate } from "@/lib/routes";
import { useCalmStore, useStore } from "@/lib/store";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { IconButton } from "@/parts/button";
import { Empty } from "@/parts/empty";
import { Notice } from "@/parts/notice";
import { useClock } from "../language";
import { useRefusalText } from "../refusal";
import { useClient, useConnection, useMe } from "../session";
import { useNow } from "../use-now";
import { usePresence } from "../use-presence";
import { ActionsContext, type MessageActions } from "./actions-context";
import { Announcer } from "./announcer";
import { Composer } from "./composer";
import { GapBar } from "./gap-bar";
import { Timeline, type TimelineHandle } from "./timeline";
import { TypingLine } from "./typing-line";
import { useLookedAt } from "./use-looked-at";

interface ChatProps {
  id: string;
  /** Absent: not (or not yet) among one's conversations. */
  entry: ConversationEntry | undefined;
  detailsShown: boolean;
  onToggleDetails: () => void;
}

export function Chat({ id, entry, detailsShown, onToggleDetails }: ChatProps) {
  const t = useTranslations("chat");
  const { state } = useConnection();
  if (entry) return <OpenChat id={id} entry={entry} detailsShown={detailsShown} onToggleDetails={onToggleDetails} />;
  if (state !== "online") return <div className="flex-1" />;
  return (
    <Empty icon={MessageCircleOff} title={t("unknown")}>
      <p>{t("unknownHint")}</p>
    </Empty>
  );
}

function OpenChat({ id, entry, detailsShown, onToggleDetails }: ChatProps & { entry: ConversationEntry }) {
  const client = useClient();
  const me = useMe();
  const conversation = useMemo(() => client.conversation(id), [client, id]);
  const log = useCalmStore(conversation.log);
  const cursors = useStore(conversation.cursors);
  const timeline = useRef<TimelineHandle>(null);
  const looked = useLookedAt();
  const online = useConnection().state === "online";
  const refusalText = useRefusalText();
  const [refused, setRefused] = useState<string | null>(null);
  // Where the reader had come to when the conversation was opened: the line stays there while it is read.
  const [unreadAfter, setUnreadAfter] = useState<number | null>(() => (entry.unread > 0 ? entry.readSeq : null));

  useEffect(() => conversation.open(), [conversation]);
  useEffect(() => keptOf(me.id).touch(id), [me.id, id]);

  // It fills while nobody looks, or while there was no connection: the line is drawn where they had come to.
  const before = useRef({ unread: entry.unread, online });
  useEffect(() => {
    // As it is, not as it is drawn: what a greeting brought is drawn a moment after the connection.
    const now = client.conversations.get().find((other) => other.id === id) ?? entry;
    const missed = !looked || !before.current.online;
    if (missed && before.current.unread === 0 && now.unread > 0) setUnreadAfter(now.readSeq);
    before.current = { unread: now.unread, online };
  }, [client, id, looked, online, entry]);

  const others = useMemo(() => {
    if (entry.kind === "room") return null;
    if (entry.kind === "direct" && entry.peerReadSeq !== undefined)
      return { readSeq: entry.peerReadSeq, deliveredSeq: Math.max(entry.peerDeliveredSeq ?? 0, entry.peerReadSeq) };
    return slowest(cursors, me.id);
  }, [entry.kind, entry.peerReadSeq, entry.peerDeliveredSeq, cursors, me.id]);

  const seen = useCallback((seq: number) => conversation.markRead(seq), [conversation]);
  const [editing, setEditing] = useState<Message | null>(null);

  /** Runs what changes a message; says whether it was done, and if not, why. */
  const change = useCallback(
    async (run: () => Promise<void>) => {
      try {
        await run();
      } catch (error) {
        setRefused(refusalText(error));
        return false;
      }
      setRefused(null);
      return true;
    },
    [refusalText],
  );
  const manages = entry.kind !== "direct" && entry.creatorId === me.id;
  const actions = useMemo<MessageActions>(
    () => ({
      offered: (item) =>
        actionsOf(item, { me: me.id, manages, changes: features.changes, copies: navigator.clipboard !== undefined }),
      react: (item, emoji, active) => void change(() => conversation.react(item.seq, emoji, active)),
      act(item, action) {
        if (action === "edit") setEditing(item);
        else if (action === "recall") void change(() => conversation.recall(item.seq));
        else void change(() => navigator.clipboard.writeText(item.content));
      },
    }),
    [me.id, manages, change, conversation],
  );
  const edit = useCallback(
    async (content: string) => {
      const done =
        editing === null ||
        content === editing.content ||
        (await change(() => conversation.edit(editing.seq, content)));
      if (done) setEditing(null);
      return done;
    },
    [editing, change, conversation],
  );
  const editLast = useCallback(() => {
    const last = features.changes ? lastOwn(conversation.log.get().items, me.id) : undefined;
    if (last) setEditing(last);
  }, [conversation, me.id]);
  const cancelEdit = useCallback(() => setEditing(null), []);

  const send = useCallback(
    (content: string) => {
      try {
        conversation.send(content);
      } catch (error) {
        setRefused(refusalText(error));
        return false;
      }
      setRefused(null);
      setUnreadAfter(null);
      timeline.current?.toEnd();
      return true;
    },
    [conversation, refusalText],
  );

  return (
    <section
      data-testid={testids.chat}
      data-conversation={id}
      aria-label={entry.name}
      className="flex min-w-0 flex-1 flex-col"
    >
      <Header entry={entry} detailsShown={detailsShown} onToggleDetails={onToggleDetails} />
      <ActionsContext value={actions}>
        <Timeline
          ref={timeline}
          conversation={conversation}
          log={log}
          me={me.id}
          name={entry.name}
          direct={entry.kind === "direct"}
          others={others}
          readSeq={entry.readSeq}
          unreadAfter={unreadAfter}
          looked={looked}
          online={online}
          onSeen={seen}
        />
      </ActionsContext>
      {log.gap ? <GapBar gap={log.gap} /> : null}
      <div className="px-3 md:px-5">
        <Notice testid={testids.composerError}>{refused}</Notice>
      </div>
      <TypingLine typing={conversation.typing} me={me.id} />
      <Composer
        key={editing?.seq ?? "new"}
        id={id}
        name={entry.name}
        editing={editing?.content ?? null}
        onSend={editing ? edit : send}
        onTyping={conversation.setTyping}
        onCancelEdit={cancelEdit}
        onEditLast={editLast}
      />
      <Announcer id={id} />
    </section>
  );
}

function Header({
  entry,
  detailsShown,
  onToggleDetails,
}: {
  entry: ConversationEntry;
  detailsShown: boolean;
  onToggleDetails: () => void;
}) {
  const t = useTranslations("chat");
  return (
    <header className="flex h-14 shrink-0 items-center gap-3 border-line border-b bg-surface pr-2 pl-2 md:pl-5">
      <IconButton
        label={t("back")}
        data-testid={testids.back}
        onClick={() => navigate({ screen: "chat", conversation: null, info: false })}
        className="md:hidden"
      >
        <ArrowLeft className="size-5" />
      </IconButton>
      <Avatar id={entry.peerId ?? entry.id} name={entry.name} kind={entry.kind} size="sm" />
      <div className="min-w-0 flex-1 leading-tight">
        <h2 data-testid={testids.chatTitle} className="truncate font-semibold">
          <bdi>{entry.name}</bdi>
        </h2>
        <p data-testid={testids.chatStatus} className="truncate text-muted text-xs">
          {entry.peerId ? <PeerStatus id={entry.peerId} /> : t(entry.kind === "room" ? "isRoom" : "isGroup")}
        </p>
      </div>
      <IconButton
        label={t("details")}
        data-testid={testids.detailsToggle}
        pressed={detailsShown}
        onClick={onToggleDetails}
      >
        <PanelRight className="size-5" />
      </IconButton>
    </header>
  );
}

export function PeerStatus({ id }: { id: string }) {
  const t = useTranslations("chat");
  const presence = usePresence([id]).get(id);
  const clock = useClock();
  const now = useNow();
  if (!presence) return " ";
  if (presence.online) return <span className="text-ok">{t("online")}</span>;
  return presence.lastSeenMs > 0 ? t("lastSeen", { ago: clock.ago(presence.lastSeenMs, now) }) : t("offline");
}
