"use client";

import { Ban, type LucideIcon, Pencil, Reply, X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { type Closed, isForEver } from "@/lib/closed";
import type { Message } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { IconButton } from "@/parts/button";
import { useContentText } from "../content-text";
import { useClock } from "../language";

interface BarProps {
  icon: LucideIcon;
  testid: string;
  /** Its text describes the field. */
  id: string;
  cancel: string;
  onCancel: () => void;
  children: ReactNode;
}

function Bar({ icon: Icon, testid, id, cancel, onCancel, children }: BarProps) {
  return (
    <div data-testid={testid} className="flex items-center gap-2 px-2 pb-1 text-accent text-sm">
      <Icon aria-hidden="true" className="size-4 shrink-0" />
      <span id={id} className="min-w-0 flex-1">
        {children}
      </span>
      <IconButton label={cancel} data-testid={testids.cancelEdit} onClick={onCancel}>
        <X className="size-4" />
      </IconButton>
    </div>
  );
}

/** A message is written anew. */
export function EditBar({ onCancel }: { onCancel: () => void }) {
  const t = useTranslations("chat");
  return (
    <Bar icon={Pencil} testid={testids.editBar} id="composer-edits" cancel={t("cancelEdit")} onCancel={onCancel}>
      <span className="font-medium">{t("editing")}</span>
    </Bar>
  );
}

/** A message is answered. */
export function ReplyBar({ to, onCancel }: { to: Message; onCancel: () => void }) {
  const t = useTranslations("chat");
  const contentText = useContentText();
  return (
    <Bar icon={Reply} testid={testids.replyBar} id="composer-replies" cancel={t("cancelReply")} onCancel={onCancel}>
      <span className="block truncate font-medium">{t("replying", { name: to.sender.username })}</span>
      <span dir="auto" className="block truncate text-muted">
        {contentText(to)}
      </span>
    </Bar>
  );
}

/** Stands where one would write, and says why one cannot. */
export function ClosedNote({ closed }: { closed: Closed }) {
  const t = useTranslations("chat");
  const clock = useClock();
  const text =
    closed.why === "muted"
      ? isForEver(closed.untilMs)
        ? t("closed.muted")
        : t("closed.mutedUntil", { time: clock.moment(closed.untilMs) })
      : t(`closed.${closed.why}`);
  return (
    <div className="safe-bottom shrink-0 px-3 md:px-5">
      <p
        role="status"
        data-testid={testids.composerClosed}
        data-why={closed.why}
        className="flex min-h-11 items-center justify-center gap-2 rounded-2xl bg-sunken px-4 py-2 text-center text-muted text-sm"
      >
        <Ban aria-hidden="true" className="size-4 shrink-0" />
        {text}
      </p>
    </div>
  );
}
