"use client";

import { Link2, Megaphone, Pencil, Trash2 } from "lucide-react";
import { Suspense, useState } from "react";
import { useTranslations } from "use-intl";
import { isKeeper } from "@/lib/groups";
import type { ConversationEntry } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Notice } from "@/parts/notice";
import { Switch } from "@/parts/switch";
import { MessageText } from "../chat/message-text";
import { useDoing } from "../contacts/use-contacts";
import { SureDialog } from "../dialogs/sure";
import { lazyWindow } from "../lazy-part";
import { useClient } from "../session";
import { Members } from "./members";
import { useGroup } from "./use-group";

const EditDialog = lazyWindow(() => import("./group-edit"));
const LinksDialog = lazyWindow(() => import("./links"));

/** What a group shows, who is in it, and what whoever looks after it can do. */
export function GroupSections({ entry }: { entry: ConversationEntry }) {
  const t = useTranslations("group");
  const client = useClient();
  const { group, error } = useGroup(entry.id);
  const { error: refused, busy, run } = useDoing();
  const [open, setOpen] = useState<"edit" | "links" | "dissolve" | null>(null);
  const keeper = isKeeper(entry);
  const close = () => setOpen(null);
  return (
    <>
      <Notice>{error ?? refused}</Notice>
      {group?.announcement ? (
        <section aria-label={t("announcement")} className="flex flex-col gap-1 border-line border-t px-4 py-3 text-sm">
          <h3 className="flex items-center gap-2 font-medium">
            <Megaphone aria-hidden="true" className="size-4 text-accent" />
            {t("announcement")}
          </h3>
          <p data-testid={testids.announcement} className="max-h-40 overflow-y-auto">
            <MessageText content={group.announcement} large={false} called={false} />
          </p>
        </section>
      ) : null}
      {keeper ? (
        <section aria-label={t("manage")} className="flex flex-col gap-1 border-line border-t px-2 py-2">
          <Button
            kind="quiet"
            small
            disabled={!group}
            data-testid={testids.editGroup}
            onClick={() => setOpen("edit")}
            className="justify-start"
          >
            <Pencil aria-hidden="true" className="size-4" />
            {t("edit")}
          </Button>
          <Button
            kind="quiet"
            small
            data-testid={testids.groupLinks}
            onClick={() => setOpen("links")}
            className="justify-start"
          >
            <Link2 aria-hidden="true" className="size-4" />
            {t("links")}
          </Button>
          <div className="flex items-center justify-between gap-3 px-3 py-1.5">
            <div>
              <p id="mute-all-label" className="font-medium text-sm">
                {t("muteAll")}
              </p>
              <p className="text-muted text-xs">{t("muteAllHint")}</p>
            </div>
            <Switch
              checked={entry.muteAll === true}
              disabled={busy !== null}
              onChange={(next) => void run("muteAll", () => client.groups.change(entry.id, { muteAll: next }))}
              labelledBy="mute-all-label"
              data-testid={testids.muteAll}
            />
          </div>
        </section>
      ) : null}
      <Members entry={entry} />
      {keeper && entry.role === "owner" ? (
        <div className="px-2 pb-3">
          <Button
            kind="quietDanger"
            data-testid={testids.dissolveGroup}
            onClick={() => setOpen("dissolve")}
            className="w-full justify-start"
          >
            <Trash2 aria-hidden="true" className="size-4" />
            {t("dissolve")}
          </Button>
        </div>
      ) : null}
      <Suspense fallback={null}>
        {open === "edit" && group ? <EditDialog group={group} onClose={close} /> : null}
        {open === "links" ? <LinksDialog id={entry.id} onClose={close} /> : null}
      </Suspense>
      {open === "dissolve" ? (
        <SureDialog
          title={t("dissolve")}
          text={t("dissolveSure", { name: entry.name })}
          run={() => client.groups.dissolve(entry.id)}
          onClose={close}
        />
      ) : null}
    </>
  );
}
