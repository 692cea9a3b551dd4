"use client";

import { type FormEvent, useState } from "react";
import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type FoundGroup, type Refused } from "./api";
import { Card } from "./card";
import { Confirm } from "./confirm";
import { positive } from "./messages";
import { adminTestids } from "./testids";

/** A group by its id: mutes all of it, or ends it. */
export function Groups() {
  const t = useTranslations("admin.groups");
  const refusalText = useRefusalText();
  const [id, setId] = useState("");
  const [group, setGroup] = useState<FoundGroup | null>(null);
  const [isAsking, setAsking] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);

  const look = (wanted: string) => {
    setRefused(null);
    admin
      .group(wanted)
      .then(setGroup)
      .catch((refusal: Refused) => {
        setGroup(null);
        setRefused(refusal);
      });
  };
  const settle = (wanted: string, done: Promise<void>) => done.then(() => look(wanted)).catch(setRefused);

  return (
    <Card title={t("title")}>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          if (positive(id) !== null) look(id.trim());
        }}
      >
        <Field
          label={t("id")}
          inputMode="numeric"
          autoComplete="off"
          value={id}
          onChange={(event) => setId(event.target.value)}
          data-testid={adminTestids.groupId}
        />
        <Button kind="primary" type="submit" disabled={positive(id) === null} data-testid={adminTestids.groupFind}>
          {t("find")}
        </Button>
      </form>
      <Notice>{refused && refusalText(refused)}</Notice>
      {group ? (
        <div className="flex flex-wrap items-center gap-3" data-testid={adminTestids.group}>
          <span className="min-w-0 flex-1 break-words">
            <strong>{group.name}</strong> {t("members", { count: group.members })}
            {group.dissolvedAtMs ? ` · ${t("dissolved")}` : group.muteAll ? ` · ${t("muted")}` : null}
          </span>
          {group.dissolvedAtMs ? null : (
            <>
              <Button small onClick={() => settle(group.id, admin.muteGroup(group.id, !group.muteAll))}>
                {t(group.muteAll ? "unmute" : "mute")}
              </Button>
              <Button kind="danger" small onClick={() => setAsking(true)} data-testid={adminTestids.groupDissolve}>
                {t("dissolve")}
              </Button>
            </>
          )}
        </div>
      ) : null}
      {isAsking && group ? (
        <Confirm
          title={t("sure", { name: group.name })}
          text={t("sureHint")}
          action={t("dissolve")}
          onConfirm={() => settle(group.id, admin.dissolve(group.id))}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </Card>
  );
}
