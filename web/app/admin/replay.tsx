"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type Refused, type Replayed, type ReplayOrder } from "./api";
import { Card } from "./card";
import { Confirm } from "./confirm";
import { positive } from "./messages";
import { adminTestids } from "./testids";

/** Messages delivered once more to whoever is online. Clients drop what they have. */
export function Replay() {
  const t = useTranslations("admin.replay");
  const refusalText = useRefusalText();
  const [conversation, setConversation] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<{ done?: Replayed; refused?: Refused }>({});
  const fromSeq = positive(from);
  const toSeq = positive(to);
  const isGood = positive(conversation) !== null && fromSeq !== null && (to.trim() === "" || toSeq !== null);

  const replay = () => {
    const order: ReplayOrder = {
      conversationId: conversation.trim(),
      fromSeq: fromSeq ?? 1,
      ...(toSeq === null ? {} : { toSeq }),
    };
    setBusy(true);
    setOutcome({});
    admin
      .replay(order)
      .then((done) => setOutcome({ done }))
      .catch((refused: Refused) => setOutcome({ refused }))
      .finally(() => setBusy(false));
  };

  const { done, refused } = outcome;
  return (
    <Card title={t("title")}>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood) setAsking(true);
        }}
      >
        <Field
          label={t("conversation")}
          inputMode="numeric"
          autoComplete="off"
          value={conversation}
          onChange={(event) => setConversation(event.target.value)}
          data-testid={adminTestids.replayConversation}
        />
        <Field
          label={t("from")}
          inputMode="numeric"
          autoComplete="off"
          value={from}
          onChange={(event) => setFrom(event.target.value)}
          data-testid={adminTestids.replayFrom}
        />
        <Field
          label={t("to")}
          inputMode="numeric"
          autoComplete="off"
          value={to}
          onChange={(event) => setTo(event.target.value)}
        />
        <Button type="submit" busy={isBusy} disabled={!isGood} data-testid={adminTestids.replaySubmit}>
          {t("submit")}
        </Button>
      </form>
      <Notice>{refused && refusalText(refused)}</Notice>
      <p role="status" data-testid={adminTestids.notice} className="text-ok text-sm empty:hidden">
        {done ? t("done", { count: done.messages }) : null}
        {done?.nextSeq === undefined ? null : ` ${t("more", { seq: done.nextSeq })}`}
      </p>
      {isAsking ? (
        <Confirm
          title={t("sure")}
          text={t("sureHint")}
          action={t("submit")}
          onConfirm={replay}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </Card>
  );
}
