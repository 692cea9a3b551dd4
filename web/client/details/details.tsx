"use client";

import { X } from "lucide-react";
import { useTranslations } from "use-intl";
import { features } from "@/lib/features";
import { keptOf } from "@/lib/kept";
import type { ConversationEntry } from "@/lib/oort";
import { useSaved } from "@/lib/saved";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Switch } from "@/parts/switch";
import { PeerStatus } from "../chat/chat";
import { TieSection } from "../contacts/tie";
import { useMe } from "../session";
import { Members } from "./members";

interface DetailsProps {
  entry: ConversationEntry;
  onClose: () => void;
  className: string;
}

/** What is to be known of a conversation, and done with it. */
export default function Details({ entry, onClose, className }: DetailsProps) {
  const t = useTranslations("details");
  const tc = useTranslations("chat");
  const me = useMe();
  const kept = keptOf(me.id);
  const muted = useSaved(kept).muted.includes(entry.id);
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
        <Avatar id={entry.peerId ?? entry.id} name={entry.name} kind={entry.kind} size="lg" />
        <p className="max-w-full break-words font-semibold text-lg">
          <bdi>{entry.name}</bdi>
        </p>
        <p className="text-muted text-sm">
          {entry.peerId ? <PeerStatus id={entry.peerId} /> : tc(entry.kind === "room" ? "isRoom" : "isGroup")}
        </p>
      </div>
      {features.contacts && entry.peerId ? <TieSection user={{ id: entry.peerId, username: entry.name }} /> : null}
      <div className="flex items-center justify-between gap-3 border-line border-t px-4 py-3">
        <div>
          <p id="mute-label" className="font-medium text-sm">
            {t("mute")}
          </p>
          <p className="text-muted text-xs">{t("muteHint")}</p>
        </div>
        <Switch
          checked={muted}
          onChange={(next) => kept.mute(entry.id, next)}
          labelledBy="mute-label"
          data-testid={testids.mute}
        />
      </div>
      <dl className="flex justify-between gap-3 border-line border-t px-4 py-3 text-sm">
        <dt className="text-muted">{t("messages")}</dt>
        <dd className="tabular-nums">{entry.head.toLocaleString()}</dd>
      </dl>
      {entry.kind === "group" ? <Members entry={entry} /> : null}
      {entry.kind === "room" ? (
        <p className="border-line border-t px-4 py-3 text-muted text-sm">{t("roomHint")}</p>
      ) : null}
    </section>
  );
}
