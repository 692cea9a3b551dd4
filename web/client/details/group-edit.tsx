"use client";

import { type FormEvent, useState } from "react";
import { useTranslations } from "use-intl";
import type { Group } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { TextArea } from "@/parts/text-area";
import { useDoing } from "../contacts/use-contacts";
import { useClient } from "../session";

/** The server's limits, in characters; of the address in bytes. */
const limits = { name: 64, announcement: 2000, avatar: 512 };
const fields = ["name", "announcement", "avatar"] as const;

/** What a group shows: its name, its picture, and what everybody is to know. */
export default function EditDialog({ group, onClose }: { group: Group; onClose: () => void }) {
  const t = useTranslations("group");
  const td = useTranslations("dialogs");
  const client = useClient();
  const [now, setNow] = useState({ name: group.name, announcement: group.announcement, avatar: group.avatar });
  const { busy, error, run } = useDoing();
  const put = (field: (typeof fields)[number]) => (event: { target: { value: string } }) =>
    setNow({ ...now, [field]: event.target.value });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // Only what is another: somebody else may have changed the rest meanwhile.
    const changed = fields.filter((field) => now[field].trim() !== group[field]);
    const change = Object.fromEntries(changed.map((field) => [field, now[field].trim()]));
    if (changed.length === 0 || (await run("edit", () => client.groups.change(group.id, change)))) onClose();
  };
  return (
    <Dialog title={t("edit")} closeLabel={td("close")} onClose={onClose}>
      <form onSubmit={submit} className="flex min-h-0 flex-col gap-4 overflow-y-auto">
        <Field
          data-testid={testids.nameField}
          label={td("groupName")}
          value={now.name}
          maxLength={limits.name}
          autoComplete="off"
          autoFocus
          required
          onChange={put("name")}
        />
        <TextArea
          data-testid={testids.announcementField}
          label={t("announcement")}
          hint={t("announcementHint")}
          rows={4}
          value={now.announcement}
          maxLength={limits.announcement}
          onChange={put("announcement")}
        />
        <Field
          data-testid={testids.avatarField}
          label={t("avatar")}
          hint={t("avatarHint")}
          value={now.avatar}
          maxLength={limits.avatar}
          autoComplete="off"
          onChange={put("avatar")}
        />
        <Notice testid={testids.dialogError}>{error}</Notice>
        <Button
          kind="primary"
          type="submit"
          busy={busy !== null}
          disabled={!now.name.trim()}
          data-testid={testids.dialogSubmit}
        >
          {t("save")}
        </Button>
      </form>
    </Dialog>
  );
}
