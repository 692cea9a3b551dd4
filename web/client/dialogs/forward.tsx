"use client";

import { uniqueId } from "@oort/sdk";
import { Check, Search } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { pictureOf } from "@/lib/attachments";
import { closedBy } from "@/lib/closed";
import type { Conversation, ConversationEntry, Message, User } from "@/lib/oort";
import { matches } from "@/lib/rooms";
import { useCalmStore, useStore } from "@/lib/store";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Dialog } from "@/parts/dialog";
import { inputClass } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { useDoing } from "../contacts/use-contacts";
import { useContentText } from "../content-text";
import { useClient, useMe } from "../session";
import { useFoundUsers } from "../use-found-users";
import { useNow } from "../use-now";

/** Before anything is typed so many are listed. */
const listedMax = 30;

interface ForwardProps {
  from: Conversation;
  item: Message;
  onClose: () => void;
}

/** Sends a message on, to as many conversations and people as are pressed. */
export default function ForwardDialog({ from, item, onClose }: ForwardProps) {
  const t = useTranslations("forward");
  const td = useTranslations("dialogs");
  const client = useClient();
  const me = useMe();
  const now = useNow();
  const contentText = useContentText();
  const entries = useCalmStore(client.conversations);
  const ties = useStore(client.contacts.all);
  const [query, setQuery] = useState("");
  const wanted = query.trim();
  const { users } = useFoundUsers(wanted);
  const [done, setDone] = useState<ReadonlySet<string>>(new Set());
  // The same for another attempt at the same place: what had arrived all the same is not there twice.
  const ids = useRef(new Map<string, string>());
  const { busy, error, run } = useDoing();

  const open = entries.filter((entry) => {
    const tie = ties?.get(entry.peerId ?? "");
    return closedBy(entry, tie, now) === null && (wanted === "" ? entry.kind !== "room" : matches(entry.name, wanted));
  });
  const peers = new Set(entries.map(({ peerId }) => peerId));
  const strangers = users.filter((user) => user.id !== me.id && !peers.has(user.id));

  const send = (key: string, to: () => Promise<string>) =>
    run(key, async () => {
      const id = ids.current.get(key) ?? uniqueId();
      ids.current.set(key, id);
      const target = await to();
      await from.forward(item.seq, target, id);
      // Somebody one had no conversation with has one now.
      setDone((before) => new Set(before).add(key).add(target));
    });

  return (
    <Dialog title={t("title")} closeLabel={td("close")} onClose={onClose}>
      <p dir="auto" className="line-clamp-2 rounded-lg bg-sunken px-3 py-2 text-sm [overflow-wrap:anywhere]">
        {contentText(item)}
      </p>
      <div className="relative">
        <Search
          aria-hidden="true"
          className="pointer-events-none absolute inset-y-0 left-3 my-auto size-4 text-muted"
        />
        <input
          type="search"
          data-testid={testids.forwardSearch}
          aria-label={t("find")}
          placeholder={t("find")}
          value={query}
          maxLength={100}
          spellCheck={false}
          autoComplete="off"
          data-focus-first
          onChange={(event) => setQuery(event.target.value)}
          className={cx(inputClass, "pl-9")}
        />
      </div>
      <Notice testid={testids.dialogError}>{error}</Notice>
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
      <ul role="list" className="h-72 min-h-24 overflow-y-auto overscroll-contain">
        {open.slice(0, listedMax).map((entry) => (
          <Target
            key={entry.id}
            entry={entry}
            busy={busy === entry.id}
            done={done.has(entry.id)}
            onSend={() => send(entry.id, async () => entry.id)}
          />
        ))}
        {strangers.map((user) => (
          <Target
            key={`user ${user.id}`}
            entry={asEntry(user)}
            busy={busy === `user ${user.id}`}
            done={done.has(`user ${user.id}`)}
            onSend={() => send(`user ${user.id}`, async () => (await client.openDirect(user.id)).id)}
          />
        ))}
      </ul>
    </Dialog>
  );
}

type Shown = Pick<ConversationEntry, "id" | "kind" | "name" | "peerId" | "avatar">;

function asEntry(user: User): Shown {
  return { id: user.id, kind: "direct", name: user.username, peerId: user.id };
}

interface TargetProps {
  entry: Shown;
  busy: boolean;
  done: boolean;
  onSend: () => void;
}

function Target({ entry, busy, done, onSend }: TargetProps) {
  const t = useTranslations("forward");
  return (
    <li data-testid={testids.forwardTarget} className="flex h-12 items-center gap-3 px-1">
      <Avatar
        id={entry.peerId ?? entry.id}
        name={entry.name}
        kind={entry.kind}
        picture={pictureOf(entry.avatar, location.origin)}
        size="sm"
      />
      <bdi className="min-w-0 flex-1 truncate">{entry.name}</bdi>
      {done ? (
        <span role="status" data-testid={testids.forwardDone} className="flex items-center gap-1 px-2 text-ok text-sm">
          <Check aria-hidden="true" className="size-4" />
          {t("sent")}
        </span>
      ) : (
        <Button
          small
          busy={busy}
          aria-label={t("sendTo", { name: entry.name })}
          data-testid={testids.forwardSend}
          onClick={onSend}
        >
          {t("send")}
        </Button>
      )}
    </li>
  );
}
