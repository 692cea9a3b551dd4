"use client";

import { useState } from "react";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type Refused, type ReplayOrder } from "./api";
import { Card } from "./card";
import { Confirm } from "./confirm";
import { positive } from "./messages";
import { adminTestids } from "./testids";

/** Messages delivered once more to whoever is online. Clients drop what they have. */
export function Replay() {
  const [conversation, setConversation] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<{ done?: string; refused?: string }>({});
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
      .then(({ messages, nextSeq }) => {
        const more = nextSeq === undefined ? "" : ` There are more: go on from ${nextSeq}.`;
        setOutcome({ done: `${messages} ${messages === 1 ? "message" : "messages"} delivered once more.${more}` });
      })
      .catch((error: Refused) => setOutcome({ refused: error.message }))
      .finally(() => setBusy(false));
  };

  return (
    <Card title="Deliver once more">
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood) setAsking(true);
        }}
      >
        <Field
          label="Conversation"
          inputMode="numeric"
          autoComplete="off"
          value={conversation}
          onChange={(event) => setConversation(event.target.value)}
          data-testid={adminTestids.replayConversation}
        />
        <Field
          label="From seq"
          inputMode="numeric"
          autoComplete="off"
          value={from}
          onChange={(event) => setFrom(event.target.value)}
          data-testid={adminTestids.replayFrom}
        />
        <Field
          label="To seq (empty: the newest)"
          inputMode="numeric"
          autoComplete="off"
          value={to}
          onChange={(event) => setTo(event.target.value)}
        />
        <Button type="submit" busy={isBusy} disabled={!isGood} data-testid={adminTestids.replaySubmit}>
          Deliver
        </Button>
      </form>
      <Notice>{outcome.refused}</Notice>
      <p role="status" data-testid={adminTestids.notice} className="text-ok text-sm empty:hidden">
        {outcome.done}
      </p>
      {isAsking ? (
        <Confirm
          title="Deliver these messages once more?"
          text="Every online member gets them, marked as a replay; clients drop what they have. It is written down in the audit."
          action="Deliver"
          onConfirm={replay}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </Card>
  );
}
