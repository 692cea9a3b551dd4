"use client";

import { Ban, UserCheck, UserMinus, UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslations } from "use-intl";
import type { Contact, User } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { SureDialog } from "../dialogs/sure";
import { useClient } from "../session";
import { AskDialog } from "./ask";
import { useDoing, useTie } from "./use-contacts";

type Open = "ask" | "remove" | "block";

/** What is between oneself and somebody, and what can be done about it. */
export function TieSection({ user }: { user: User }) {
  const t = useTranslations("contacts");
  const client = useClient();
  const tie = useTie(user.id);
  const { busy, error, run } = useDoing();
  const [open, setOpen] = useState<Open | null>(null);
  if (tie === null) return null;
  const state = tie?.state ?? "none";
  const blocked = tie?.blocked ?? false;
  return (
    <section
      aria-label={t("tie")}
      data-testid={testids.tie}
      data-state={state}
      data-blocked={blocked}
      className="flex flex-col gap-2 border-line border-t px-4 py-3"
    >
      <Notice>{error}</Notice>
      {blocked ? <p className="text-danger text-sm">{t("blockedHint", { name: user.username })}</p> : null}
      {tie && state === "contact" ? <Remark key={tie.remark} contact={tie} /> : null}
      {state === "asking" && !blocked ? (
        <>
          <p className="text-sm [overflow-wrap:anywhere]" dir="auto">
            {tie?.message || t("wantsTo")}
          </p>
          <div className="flex gap-2">
            <Button
              kind="primary"
              small
              busy={busy === "accept"}
              data-testid={testids.acceptRequest}
              onClick={() => run("accept", () => client.contacts.accept(user.id))}
            >
              <UserCheck aria-hidden="true" className="size-4" />
              {t("accept")}
            </Button>
            <Button
              small
              busy={busy === "refuse"}
              data-testid={testids.refuseRequest}
              onClick={() => run("refuse", () => client.contacts.refuse(user.id))}
            >
              {t("refuse")}
            </Button>
          </div>
        </>
      ) : null}
      {state === "asked" ? (
        <div className="flex items-center justify-between gap-2">
          <p className="text-muted text-sm">{t("waiting")}</p>
          <Button
            kind="quiet"
            small
            busy={busy === "withdraw"}
            data-testid={testids.withdrawRequest}
            onClick={() => run("withdraw", () => client.contacts.withdraw(user.id))}
          >
            {t("withdraw")}
          </Button>
        </div>
      ) : null}
      {state === "none" && !blocked ? (
        <Button small data-testid={testids.askContact} onClick={() => setOpen("ask")}>
          <UserPlus aria-hidden="true" className="size-4" />
          {t("ask")}
        </Button>
      ) : null}
      <div className="-mx-2 flex flex-col items-start">
        {state === "contact" ? (
          <Button kind="quietDanger" small data-testid={testids.removeContact} onClick={() => setOpen("remove")}>
            <UserMinus aria-hidden="true" className="size-4" />
            {t("remove")}
          </Button>
        ) : null}
        <Button
          kind={blocked ? "quiet" : "quietDanger"}
          small
          busy={busy === "unblock"}
          data-testid={testids.blockUser}
          onClick={() => (blocked ? run("unblock", () => client.contacts.block(user.id, false)) : setOpen("block"))}
        >
          <Ban aria-hidden="true" className="size-4" />
          {t(blocked ? "unblock" : "block")}
        </Button>
      </div>
      {open === "ask" ? <AskDialog user={user} onClose={() => setOpen(null)} /> : null}
      {open === "remove" || open === "block" ? (
        <SureDialog
          title={t(open)}
          text={t(open === "remove" ? "removeSure" : "blockSure", { name: user.username })}
          onClose={() => setOpen(null)}
          run={() => (open === "remove" ? client.contacts.remove(user) : client.contacts.block(user.id, true))}
        />
      ) : null}
    </section>
  );
}

/** The server's limit, in characters. */
const remarkCharsMax = 64;

function Remark({ contact }: { contact: Contact }) {
  const t = useTranslations("contacts");
  const client = useClient();
  const [remark, setRemark] = useState(contact.remark);
  const { busy, error, run } = useDoing();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run("remark", () => client.contacts.remark(contact.user.id, remark.trim()));
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-2">
      <Field
        label={t("remark")}
        hint={t("remarkHint")}
        error={error}
        value={remark}
        maxLength={remarkCharsMax}
        autoComplete="off"
        data-testid={testids.remark}
        onChange={(event) => setRemark(event.target.value)}
      />
      {remark.trim() === contact.remark ? null : (
        <Button kind="primary" small type="submit" busy={busy !== null} data-testid={testids.saveRemark}>
          {t("save")}
        </Button>
      )}
    </form>
  );
}
