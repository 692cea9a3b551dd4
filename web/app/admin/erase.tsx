"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Notice } from "@/parts/notice";
import { admin, type Refused } from "./api";
import { Confirm } from "./confirm";
import { adminTestids } from "./testids";

interface EraseProps {
  conversation: string;
  seq: number;
}

/** Removes a message for everybody. */
export function Erase({ conversation, seq }: EraseProps) {
  const t = useTranslations("admin.erase");
  const refusalText = useRefusalText();
  const [isAsking, setAsking] = useState(false);
  const [outcome, setOutcome] = useState<{ isDone?: boolean; refused?: Refused }>({});

  const erase = () => {
    setOutcome({});
    admin
      .erase(conversation, seq)
      .then(() => setOutcome({ isDone: true }))
      .catch((refused: Refused) => setOutcome({ refused }));
  };

  return (
    <>
      <Notice>{outcome.refused && refusalText(outcome.refused)}</Notice>
      <div className="flex items-center gap-3">
        <Button kind="danger" small onClick={() => setAsking(true)} data-testid={adminTestids.erase}>
          {t("action")}
        </Button>
        <p role="status" className="text-muted text-sm" data-testid={adminTestids.erased}>
          {outcome.isDone ? t("done") : ""}
        </p>
      </div>
      {isAsking ? (
        <Confirm
          title={t("sure")}
          text={t("sureHint")}
          action={t("action")}
          onConfirm={erase}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </>
  );
}
