"use client";

import { useId, useState } from "react";
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
  const [operation, setOperation] = useState(OPERATION_DEFAULT);
  const [body, setBody] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<{ sent?: string; refused?: string }>({});
  const bodyId = useId();
  const number = Number(operation);
  const isGood = Number.isInteger(number) && number >= OPERATION_MIN && number <= 0x7fffffff;

  const send = () => {
    setBusy(true);
    setOutcome({});
    admin
      .broadcast(number, body)
      .then(() => {
        setOutcome({ sent: "Sent to everybody who is online." });
        setBody("");
      })
      .catch((error: Refused) => setOutcome({ refused: error.message }))
      .finally(() => setBusy(false));
  };

  return (
    <Card title="Broadcast">
      <form
        className="flex max-w-xl flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood && body) setAsking(true);
        }}
      >
        <Field
          label="Operation"
          inputMode="numeric"
          value={operation}
          onChange={(event) => setOperation(event.target.value)}
          hint="Your applications know what it means; 1000 and above."
          error={isGood ? null : "A whole number from 1000 to 2147483647."}
          data-testid={adminTestids.broadcastOperation}
        />
        <div className="flex flex-col gap-1.5">
          <label htmlFor={bodyId} className="font-medium text-sm">
            Body
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
        <Notice>{outcome.refused}</Notice>
        <p role="status" data-testid={adminTestids.notice} className="text-ok text-sm empty:hidden">
          {outcome.sent}
        </p>
        <Button
          kind="primary"
          type="submit"
          busy={isBusy}
          disabled={!isGood || !body}
          className="self-start"
          data-testid={adminTestids.broadcastSubmit}
        >
          Send to everybody
        </Button>
      </form>
      {isAsking ? (
        <Confirm
          title="Send to everybody who is online?"
          text="It reaches every connection at once, is not stored, and cannot be taken back."
          action="Send"
          onConfirm={send}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </Card>
  );
}
