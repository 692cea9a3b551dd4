"use client";

import { X } from "lucide-react";
import { useTranslations } from "use-intl";
import { pictureOf } from "@/lib/attachments";
import { forEverMs, isMuted } from "@/lib/closed";
import type { ConversationEntry } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Notice } from "@/parts/notice";
import { Switch } from "@/parts/switch";
import { PeerStatus } from "../chat/chat";
import { TieSection } from "../contacts/tie";
import { useDoing } from "../contacts/use-contacts";
import { useClient } from "../session";
import { useNow } from "../use-now";
import { GroupSections } from "./group";
import { PersonSection, useFreshProfile } from "./person";

interface DetailsProps {
  entry: ConversationEntry;
  onClose: () => void;
  className: string;
}

/** What is to be known of a conversation, and done with it. */
export default function Details({ entry, onClose, className }: DetailsProps) {
  const t = useTranslations("details");
  const tc = useTranslations("chat");
  const conversation = useClient().conversation(entry.id);
  const now = useNow();
  const profile = useFreshProfile(entry.peerId);
  const { busy, error, run } = useDoing();
  return (
    <section
      data-testid={testids.details}
      aria-label={t("label")}
      className={cx(
        "flex shrink-0 flex-col overflow-y-auto overscroll-contain border-line bg-surface md:border-l",
        className,
      )}
    >
      <header className="flex h-14 shrink-0 items-center justify-between pr-2 pl-4">
        <h2 className="font-semibold">{t("label")}</h2>
        <IconButton label={t("close")} onClick={onClose}>
          <X className="size-4.5" />
        </IconButton>
      </header>
      <div className="flex flex-col items-center gap-2 px-4 pt-2 pb-5 text-center">
        <Avatar
          id={entry.peerId ?? entry.id}
          name={entry.name}
          kind={entry.kind}
          picture={pictureOf(profile?.avatar ?? entry.avatar, location.origin)}
          size="lg"
        />
        <p className="max-w-full break-words font-semibold text-lg">
          <bdi>{entry.name}</bdi>
        </p>
        <p className="text-muted text-sm">
          {entry.peerId ? <PeerStatus id={entry.peerId} /> : tc(entry.kind === "room" ? "isRoom" : "isGroup")}
        </p>
      </div>
      {entry.peerId ? <TieSection user={{ id: entry.peerId, username: entry.name }} /> : null}
      {profile ? <PersonSection profile={profile} /> : null}
      <div className="flex flex-col gap-3 border-line border-t px-4 py-3">
        <Notice>{error}</Notice>
        <Setting
          id="pin-label"
          label={t("pin")}
          hint={t("pinHint")}
          checked={entry.pinned === true}
          busy={busy !== null}
          onChange={(pinned) => run("pin", () => conversation.configure({ pinned }))}
          testid={testids.pin}
        />
        <Setting
          id="mute-label"
          label={t("mute")}
          hint={t("muteHint")}
          checked={isMuted(entry, now)}
          busy={busy !== null}
          onChange={(muted) => run("mute", () => conversation.configure({ mutedUntil: muted ? forEverMs : 0 }))}
          testid={testids.mute}
        />
      </div>
      <dl className="flex justify-between gap-3 border-line border-t px-4 py-3 text-sm">
        <dt className="text-muted">{t("messages")}</dt>
        <dd className="tabular-nums">{entry.head.toLocaleString()}</dd>
      </dl>
      {entry.kind === "group" ? <GroupSections entry={entry} /> : null}
      {entry.kind === "room" ? (
        <p className="border-line border-t px-4 py-3 text-muted text-sm">{t("roomHint")}</p>
      ) : null}
    </section>
  );
}

interface SettingProps {
  id: string;
  label: string;
  hint: string;
  checked: boolean;
  busy: boolean;
  onChange: (checked: boolean) => void;
  testid: string;
}

function Setting({ id, label, hint, checked, busy, onChange, testid }: SettingProps) {
  return (
    <div className="flex items-center justify-between gap-3">
      <div>
        <p id={id} className="font-medium text-sm">
          {label}
        </p>
        <p className="text-muted text-xs">{hint}</p>
      </div>
      <Switch checked={checked} disabled={busy} onChange={onChange} labelledBy={id} data-testid={testid} />
    </div>
  );
}
