"use client";

import { ArrowLeft, MessageCircleOff, PanelRight, Search } from "lucide-react";
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { actionsOf, lastOwn } from "@/lib/actions";
import { pictureOf, type Shown } from "@/lib/attachments";
import { closedBy } from "@/lib/closed";
import { keptOf } from "@/lib/kept";
import type { ConversationEntry, Draft, LogItem, Message } from "@/lib/oort";
import { devicesOf, standingOf } from "@/lib/presence";
import { slowest } from "@/lib/receipts";
import { looksAfter } from "@/lib/rooms";
import { navigate } from "@/lib/routes";
import { hasFile, messageAt, nowOf } from "@/lib/shown";
import { useCalmStore, useStore } from "@/lib/store";
import { testids } from "@/lib/testids";
import { pickedMax } from "@/lib/tray";
import { movedLine } from "@/lib/unread";
import { Avatar } from "@/parts/avatar";
import { IconButton } from "@/parts/button";
import { Empty } from "@/parts/empty";
import { Notice } from "@/parts/notice";
import { useTie } from "../contacts/use-contacts";
import { DropZone } from "../files/drop";
import { useOutgoing } from "../files/outgoing";
import { useClock } from "../language";
import { lazyPart, lazyWindow } from "../lazy-part";
import { facePicture, useProfile } from "../people/profiles";
import { useRefusalText } from "../refusal";
import { useClient, useConnection, useMe } from "../session";
import { useNow } from "../use-now";
import { useOnChange } from "../use-on-change";
import { usePresence } from "../use-presence";
import { ActionsContext, type MessageActions } from "./actions-context";
import { Announcer } from "./announcer";
import { Composer } from "./composer";
import { GapBar } from "./gap-bar";
import { Timeline, type TimelineHandle } from "./timeline";
import { TypingLine } from "./typing-line";
import { useLookedAt } from "./use-looked-at";

const ClosedNote = lazyPart(async () => ({ default: (await import("./composer-bars")).ClosedNote }));
const ForwardDialog = lazyWindow(() => import("../dialogs/forward"));
const HideDialog = lazyWindow(() => import("../dialogs/hide"));
const ReadersDialog = lazyWindow(() => import("../dialogs/readers"));
const SearchDialog = lazyWindow(() => import("../search/search-dialog"));
const Viewer = lazyWindow(() => import("../files/viewer"));

interface ChatProps {
  id: string;
  /** Absent: not (or not yet) among one's conversations. */
  entry: ConversationEntry | undefined;
  /** A message to be brought to. */
  at?: number;
  detailsShown: boolean;
  onToggleDetails: () => void;
}

export function Chat({ id, entry, ...rest }: ChatProps) {
  const t = useTranslations("chat");
  const { state } = useConnection();
  if (entry) return <OpenChat id={id} entry={entry} {...rest} />;
  if (state !== "online") return <div className="flex-1" />;
  return (
    <Empty icon={MessageCircleOff} title={t("unknown")}>
      <p>{t("unknownHint")}</p>
    </Empty>
  );
}

function OpenChat({ id, entry, at, detailsShown, onToggleDetails }: ChatProps & { entry: ConversationEntry }) {
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

  // It fills while nobody looks, or while there was no connection: the line is drawn where they had come to. It follows what is read
  // elsewhere, until something is seen here.
  const hasSeen = useRef(false);
  const before = useRef({ unread: entry.unread, online });
  useEffect(() => {
    // As it is, not as it is drawn: what a greeting brought is drawn a moment after the connection.
    const now = client.conversations.get().find((other) => other.id === id) ?? entry;
    const missed = !looked || !before.current.online;
    if (missed && before.current.unread === 0 && now.unread > 0) {
      hasSeen.current = false;
      setUnreadAfter(now.readSeq);
    } else if (!hasSeen.current) setUnreadAfter((after) => movedLine(after, now.readSeq, now.unread));
    before.current = { unread: now.unread, online };
  }, [client, id, looked, online, entry]);

  // Once all that came before it is there: a log that begins in the cache ends before what was found.
  const last = log.items.findLast((item) => item.kind === "message");
  const isWithin = at !== undefined && last?.kind === "message" && last.seq >= at;
  useEffect(() => {
    if (!isWithin) return;
    timeline.current?.jump(at);
    navigate({ screen: "chat", conversation: id, info: false }, "replace");
  }, [isWithin, at, id]);

  const others = useMemo(() => {
    if (entry.kind === "room") return null;
    if (entry.kind === "direct" && entry.peerReadSeq !== undefined)
      return { readSeq: entry.peerReadSeq, deliveredSeq: Math.max(entry.peerDeliveredSeq ?? 0, entry.peerReadSeq) };
    return slowest(cursors, me.id);
  }, [entry.kind, entry.peerReadSeq, entry.peerDeliveredSeq, cursors, me.id]);

  const seen = useCallback(
    (seq: number) => {
      hasSeen.current = true;
      conversation.markRead(seq);
    },
    [conversation],
  );
  const outgoing = useOutgoing(id);
  const { sent, error } = useStore(outgoing);
  // What is drawn is a moment behind.
  const { items } = conversation.log.get();
  const [editing, setEditing] = useState<Message | null>(null);
  const [replying, setReplying] = useState(() => messageAt(items, outgoing.get().waiting?.replyTo));
  const [asked, setAsked] = useState<{ what: "forward" | "hide" | "readers"; item: Message } | null>(null);
  const tie = useTie(entry.peerId ?? "");
  const now = useNow();
  const closed = closedBy(entry, tie, now);
  const writes = closed === null;

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
  const [searching, setSearching] = useState(false);
  const [viewed, setViewed] = useState<Shown | null>(null);
  follow(editing, items, setEditing);
  follow(replying, items, setReplying);
  if (asked?.what === "forward" && !nowOf(asked.item, items)) setAsked(null);
  if (viewed && !hasFile(items, viewed.href)) setViewed(null);
  const manages = looksAfter(entry, me.id);
  const actions = useMemo<MessageActions>(
    () => ({
      offered: (item) =>
        actionsOf(item, {
          me: me.id,
          manages,
          writes,
          copies: navigator.clipboard !== undefined,
          receipts: entry.kind === "group",
        }),
      react: (item, emoji, active) => void change(() => conversation.react(item.seq, emoji, active)),
      act(item, action) {
        if (action === "edit") {
          setReplying(null);
          setEditing(item);
        } else if (action === "reply") {
          setEditing(null);
          setReplying(item);
        } else if (action === "forward" || action === "hide" || action === "readers") setAsked({ what: action, item });
        else if (action === "recall") void change(() => conversation.recall(item.seq));
        else void change(() => navigator.clipboard.writeText(item.content));
      },
      jump: (seq) => timeline.current?.jump(seq),
      view: setViewed,
      calls: ({ mentions, mentionsAll }) => mentionsAll === true || (mentions?.includes(me.id) ?? false),
    }),
    [me.id, manages, writes, change, conversation, entry.kind],
  );
  const edit = useCallback(
    async ({ content }: Draft) => {
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
    const last = lastOwn(conversation.log.get().items, me.id);
    if (last) setEditing(last);
  }, [conversation, me.id]);
  const cancel = useCallback(() => {
    setEditing(null);
    setReplying(null);
  }, []);

  const tf = useTranslations("files");
  const attach = useCallback(
    (files: File[]) => {
      const left = outgoing.tray.add(files);
      setRefused(left > 0 ? tf("tooMany", { max: pickedMax }) : null);
    },
    [outgoing, tf],
  );

  const send = useCallback(
    (draft: Draft) => {
      setRefused(null);
      outgoing.send(replying ? { ...draft, replyTo: replying.seq } : draft);
      return undefined;
    },
    [outgoing, replying],
  );
  useOnChange(replying, () => {
    const { waiting } = outgoing.get();
    if (waiting) send({ ...waiting, replyTo: undefined });
  });
  useOnChange(sent, () => {
    setReplying(null);
    setUnreadAfter(null);
    timeline.current?.toEnd();
  });

  return (
    <section
      data-testid={testids.chat}
      data-conversation={id}
      aria-label={entry.name}
      className="flex min-w-0 flex-1 flex-col"
    >
      <Header
        entry={entry}
        detailsShown={detailsShown}
        onToggleDetails={onToggleDetails}
        onSearch={() => setSearching(true)}
      />
      <DropZone onFiles={writes && editing === null ? attach : undefined}>
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
          <Notice testid={testids.composerError}>{refused ?? (error === undefined ? null : refusalText(error))}</Notice>
        </div>
        <TypingLine typing={conversation.typing} me={me.id} />
        {closed ? (
          <Suspense fallback={<div className="safe-bottom h-11 shrink-0" />}>
            <ClosedNote closed={closed} />
          </Suspense>
        ) : (
          <Composer
            key={editing?.seq ?? "new"}
            entry={entry}
            editing={editing?.content ?? null}
            replying={replying}
            outgoing={outgoing}
            onFiles={attach}
            onSend={editing ? edit : send}
            onTyping={conversation.setTyping}
            onCancel={cancel}
            onEditLast={editLast}
          />
        )}
      </DropZone>
      <Announcer id={id} items={items} />
      <Suspense fallback={null}>
        {searching ? <SearchDialog entry={entry} onClose={() => setSearching(false)} /> : null}
        {viewed ? <Viewer shown={viewed} onClose={() => setViewed(null)} /> : null}
        {asked?.what === "forward" ? (
          <ForwardDialog from={conversation} item={asked.item} onClose={() => setAsked(null)} />
        ) : null}
        {asked?.what === "readers" ? (
          <ReadersDialog conversation={id} item={asked.item} onClose={() => setAsked(null)} />
        ) : null}
        {asked?.what === "hide" ? (
          <HideDialog from={conversation} item={asked.item} onClose={() => setAsked(null)} />
        ) : null}
      </Suspense>
    </section>
  );
}

/** Of a message that is shown beside the log: as the log has it, and no longer than that. */
function follow(message: Message | null, items: readonly LogItem[], set: (now: Message | null) => void) {
  const now = message && nowOf(message, items);
  if (now !== message) set(now);
}

interface HeaderProps {
  entry: ConversationEntry;
  detailsShown: boolean;
  onToggleDetails: () => void;
  onSearch: () => void;
}

function Header({ entry, detailsShown, onToggleDetails, onSearch }: HeaderProps) {
  const t = useTranslations("chat");
  const profile = useProfile(entry.peerId);
  const nick = profile?.nick;
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
      <Avatar
        id={entry.peerId ?? entry.id}
        name={nick || entry.name}
        kind={entry.kind}
        picture={facePicture(profile) ?? pictureOf(entry.avatar, location.origin)}
        size="sm"
      />
      <div className="min-w-0 flex-1 leading-tight">
        <h2 data-testid={testids.chatTitle} className="truncate font-semibold">
          {nick ? <bdi>{nick} </bdi> : null}
          <bdi className={nick ? "font-normal text-muted text-sm" : undefined}>{entry.name}</bdi>
        </h2>
        <p data-testid={testids.chatStatus} className="truncate text-muted text-xs">
          {entry.peerId ? <PeerStatus id={entry.peerId} /> : t(entry.kind === "room" ? "isRoom" : "isGroup")}
        </p>
      </div>
      <IconButton
        label={t("search")}
        data-testid={testids.searchHere}
        data-search-here
        aria-haspopup="dialog"
        aria-keyshortcuts="Control+Shift+F Meta+Shift+F"
        onClick={onSearch}
      >
        <Search className="size-5" />
      </IconButton>
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
  const standing = standingOf(presence);
  if (standing) {
    const devices = devicesOf(presence).map((kind) => t(`devices.${kind}`));
    return (
      <span data-standing={standing}>
        <span className={standing === "online" ? "text-ok" : "text-warn"}>{t(standing)}</span>
        {devices.length > 0 ? ` · ${devices.join(", ")}` : null}
      </span>
    );
  }
  return presence.lastSeenMs > 0 ? t("lastSeen", { ago: clock.ago(presence.lastSeenMs, now) }) : t("offline");
}
