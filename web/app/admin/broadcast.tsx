"use client";

import { useId, useState } from "react";
import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Field, inputClass } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type Refused } from "./api";
import { Card } from "./card";
import { Confirm } from "./confirm";
import { adminTestids } from "./testids";

/** Operations below are the server's own. */
const OPERATION_MIN = 1000;
const OPERATION_DEFAULT = "1000";

/** A push to everybody who is online. It is not stored. */
export function Broadcast() {
  const t = useTranslations("admin.broadcast");
  const refusalText = useRefusalText();
  const [operation, setOperation] = useState(OPERATION_DEFAULT);
  const [body, setBody] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<{ isSent?: boolean; refused?: Refused }>({});
  const bodyId = useId();
  const number = Number(operation);
  const isGood = Number.isInteger(number) && number >= OPERATION_MIN && number <= 0x7fffffff;

  const send = () => {
    setBusy(true);
    setOutcome({});
    admin
      .broadcast(number, body)
      .then(() => {
        setOutcome({ isSent: true });
        setBody("");
      })
      .catch((refused: Refused) => setOutcome({ refused }))
      .finally(() => setBusy(false));
  };

  return (
    <Card title={t("title")}>
      <form
        className="flex max-w-xl flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood && body) setAsking(true);
        }}
      >
        <Field
          label={t("operation")}
          inputMode="numeric"
          value={operation}
          onChange={(event) => setOperation(event.target.value)}
          hint={t("operationHint")}
          error={isGood ? null : t("operationWrong")}
          data-testid={adminTestids.broadcastOperation}
        />
        <div className="flex flex-col gap-1.5">
          <label htmlFor={bodyId} className="font-medium text-sm">
            {t("body")}
          </label>
          <textarea
            id={bodyId}
            rows={5}
            value={body}
            onChange={(event) => setBody(event.target.value)}
            data-testid={adminTestids.broadcastBody}
            className={cx(inputClass, "h-auto py-2 font-mono text-sm")}
          />
        </div>
        <Notice>{outcome.refused && refusalText(outcome.refused)}</Notice>
        <p role="status" data-testid={adminTestids.notice} className="text-ok text-sm empty:hidden">
          {outcome.isSent ? t("sent") : null}
        </p>
        <Button
          kind="primary"
          type="submit"
          busy={isBusy}
          disabled={!isGood || !body}
          className="self-start"
          data-testid={adminTestids.broadcastSubmit}
        >
          {t("submit")}
        </Button>
      </form>
      {isAsking ? (
        <Confirm
          title={t("sure")}
          text={t("sureHint")}
          action={t("send")}
          onConfirm={send}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </Card>
  );
}
