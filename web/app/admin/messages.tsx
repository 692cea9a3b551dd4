"use client";

import { type FormEvent, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { useClock } from "@/client/language";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type MessageTrace, type Refused } from "./api";
import { Card } from "./card";
import { Erase } from "./erase";
import { span } from "./figures";
import { Groups } from "./groups";
import { Replay } from "./replay";
import { adminTestids } from "./testids";
import { bars, fate } from "./trail";

/** A whole number from 1 on, or nothing. */
export function positive(text: string): number | null {
  const number = Number(text.trim());
  return text.trim() && Number.isSafeInteger(number) && number > 0 ? number : null;
}

/** Where a message has been; and messages delivered once more. */
export function Messages({ mayModerate, mayReplay }: { mayModerate: boolean; mayReplay: boolean }) {
  const t = useTranslations("admin.messages");
  const refusalText = useRefusalText();
  const [conversation, setConversation] = useState("");
  const [seq, setSeq] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [found, setFound] = useState<{ trace?: MessageTrace; refused?: Refused }>({});
  const asked = useRef(0);
  const isGood = positive(conversation) !== null && positive(seq) !== null;

  const ask = (event: FormEvent) => {
    event.preventDefault();
    const place = positive(seq);
    if (!isGood || place === null) return;
    asked.current += 1;
    const mine = asked.current;
    const show = (outcome: typeof found) => {
      if (mine !== asked.current) return;
      setFound(outcome);
      setBusy(false);
    };
    setBusy(true);
    admin
      .trace(conversation.trim(), place)
      .then((trace) => show({ trace }))
      .catch((refused: Refused) => show({ refused }));
  };

  return (
    <>
      <Card title={t("title")}>
        <form className="flex flex-wrap items-end gap-3" onSubmit={ask}>
          <Field
            label={t("conversation")}
            inputMode="numeric"
            autoComplete="off"
            value={conversation}
            onChange={(event) => setConversation(event.target.value)}
            data-testid={adminTestids.traceConversation}
          />
          <Field
            label={t("seq")}
            inputMode="numeric"
            autoComplete="off"
            value={seq}
            onChange={(event) => setSeq(event.target.value)}
            data-testid={adminTestids.traceSeq}
          />
          <Button kind="primary" type="submit" busy={isBusy} disabled={!isGood} data-testid={adminTestids.traceSubmit}>
            {t("trace")}
          </Button>
        </form>
        <Notice>{found.refused && refusalText(found.refused)}</Notice>
        {found.trace ? <Timeline trace={found.trace} /> : null}
        {found.trace && mayModerate ? (
          <Erase
            key={`${found.trace.conversationId}-${found.trace.seq}`}
            conversation={found.trace.conversationId}
            seq={found.trace.seq}
          />
        ) : null}
        {found.trace ? null : <p className="text-muted text-sm">{t("hint")}</p>}
      </Card>
      {mayModerate ? <Groups /> : null}
      {mayReplay ? <Replay /> : null}
    </>
  );
}

function Timeline({ trace }: { trace: MessageTrace }) {
  const t = useTranslations("admin.messages");
  const clock = useClock();
  const rows = bars(trace.hops);
  const moment = clock.moment(trace.createdAtMs);
  return (
    <>
      <p data-testid={adminTestids.traceSummary}>
        <Fate trace={trace} />
        {trace.members.known > 0 ? ` ${t("summary.members", { ...trace.members })}` : null}
      </p>
      <p className="text-muted text-sm">
        {trace.senderId === "0" ? t("sentByServer", { moment }) : t("sentByUser", { moment, sender: trace.senderId })}
        {trace.traceId ? (
          <>
            {" "}
            · {t("traceId")} <span className="break-all font-mono">{trace.traceId}</span>
          </>
        ) : null}
      </p>
      {rows.length > 0 ? (
        <ol className="flex flex-col">
          {rows.map(({ hop, values, afterMs, start, length }, index) => (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: two hops may be alike, and rows never move
              key={index}
              data-testid={adminTestids.traceHop}
              data-name={hop.step}
              className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-3 border-line border-t py-1.5 text-sm sm:grid-cols-[minmax(0,18rem)_minmax(0,10rem)_minmax(0,1fr)_5rem]"
            >
              <span>{t(`steps.${hop.step}`, values)}</span>
              <span className="col-start-1 truncate text-muted sm:col-start-auto">
                {hop.node} ({hop.role})
              </span>
              <span aria-hidden="true" className="relative my-auto hidden h-2 rounded-full bg-sunken sm:block">
                <span
                  className="absolute inset-y-0 min-w-1 rounded-full bg-accent"
                  style={{ left: `min(${start}%, calc(100% - 0.25rem))`, width: `${length}%` }}
                />
              </span>
              <span className="col-start-2 row-start-1 text-right text-muted tabular-nums sm:col-start-auto sm:row-start-auto">
                +{span(afterMs)}
              </span>
            </li>
          ))}
        </ol>
      ) : null}
      {trace.silent.length > 0 ? (
        <p className="text-sm text-warn">
          {t("silent", { processes: trace.silent.map(({ node, role }) => `${node} (${role})`).join(", ") })}
        </p>
      ) : null}
    </>
  );
}

/** What became of it, in a sentence. */
function Fate({ trace }: { trace: MessageTrace }) {
  const t = useTranslations("admin.messages.summary");
  const found = fate(trace);
  if (found.key !== "written") return t(found.key);
  const { key, sessions, behind, tookMs } = found;
  return t(key, { sessions, behind, took: span(tookMs) });
}
