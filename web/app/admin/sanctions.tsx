"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { useClock } from "@/client/language";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Field, inputClass } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type FoundUser, type Refused, type SanctionKind } from "./api";
import { Card } from "./card";
import { adminTestids } from "./testids";

const KINDS = ["ban", "mute"] as const;

/** How long it may last, hours; 0 = without end. */
const HOURS = [1, 24, 168, 720, 0] as const;

interface SanctionsProps {
  user: FoundUser;
  /** Looks again at the user. */
  onChange: () => void;
}

/** What a person is kept from: ends it, or begins it with a reason. */
export function Sanctions({ user, onChange }: SanctionsProps) {
  const t = useTranslations("admin.sanctions");
  const clock = useClock();
  const refusalText = useRefusalText();
  const [beginning, setBeginning] = useState<SanctionKind | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);

  const settle = (done: Promise<void>) => {
    setRefused(null);
    done.then(onChange).catch(setRefused);
  };

  return (
    <Card title={t("title", { name: user.username })}>
      <Notice>{refused && refusalText(refused)}</Notice>
      <ul className="flex flex-col gap-2">
        {KINDS.map((kind) => {
          const sanction = user[kind];
          return (
            <li
              key={kind}
              className="flex flex-wrap items-center gap-3"
              data-testid={adminTestids.sanction}
              data-name={kind}
            >
              <span className="min-w-0 flex-1 break-words">
                {sanction ? (
                  <>
                    <strong>{t(`${kind}.on`)}</strong>{" "}
                    {sanction.until ? t("until", { moment: clock.moment(sanction.until) }) : t("forEver")}
                    {": "}
                    {sanction.reason}
                  </>
                ) : (
                  <span className="text-muted">{t(`${kind}.off`)}</span>
                )}
              </span>
              {sanction ? (
                <Button small onClick={() => settle(admin.lift(user.id, kind))} data-testid={adminTestids.lift}>
                  {t(`${kind}.end`)}
                </Button>
              ) : (
                <Button kind="danger" small onClick={() => setBeginning(kind)} data-testid={adminTestids.begin}>
                  {t(`${kind}.begin`)}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {beginning ? (
        <Begin
          kind={beginning}
          name={user.username}
          onBegin={(reason, until) => settle(admin.sanction(user.id, beginning, reason, until))}
          onClose={() => setBeginning(null)}
        />
      ) : null}
    </Card>
  );
}

interface BeginProps {
  kind: SanctionKind;
  name: string;
  onBegin: (reason: string, until?: number) => void;
  onClose: () => void;
}

function Begin({ kind, name, onBegin, onClose }: BeginProps) {
  const t = useTranslations("admin.sanctions");
  const shared = useTranslations("admin");
  const [reason, setReason] = useState("");
  const [hours, setHours] = useState<number>(HOURS[1]);
  const lasting = (value: number) => {
    if (value === 0) return t("forEver");
    return value % 24 === 0 ? t("days", { days: value / 24 }) : t("hours", { hours: value });
  };
  return (
    <Dialog title={t(`${kind}.sure`, { name })} closeLabel={shared("close")} onClose={onClose}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!reason.trim()) return;
          onBegin(reason.trim(), hours > 0 ? Date.now() + hours * 3_600_000 : undefined);
          onClose();
        }}
      >
        <p className="text-muted">{t(`${kind}.hint`)}</p>
        <Field
          label={t("reason")}
          hint={t("reasonHint")}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          data-testid={adminTestids.reason}
        />
        <label className="flex flex-col gap-1.5 font-medium text-sm">
          {t("lasts")}
          <select className={inputClass} value={hours} onChange={(event) => setHours(Number(event.target.value))}>
            {HOURS.map((value) => (
              <option key={value} value={value}>
                {lasting(value)}
              </option>
            ))}
          </select>
        </label>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{shared("cancel")}</Button>
          <Button kind="danger" type="submit" disabled={!reason.trim()} data-testid={adminTestids.confirm}>
            {t(`${kind}.begin`)}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
