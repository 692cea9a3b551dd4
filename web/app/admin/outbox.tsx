"use client";

import { useTranslations } from "use-intl";
import { useClock } from "@/client/language";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Notice } from "@/parts/notice";
import { admin } from "./api";
import { Card } from "./card";
import { bytes, count, span } from "./figures";
import { Hooks } from "./hooks";
import { usePaged } from "./pages";
import { usePolled } from "./polling";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

const EVERY_MS = 2000;
/** Rows live for one publish; what is older waits for the bus. */
const OLD_MS = 5000;

const COLUMNS = [
  { name: "when" },
  { name: "reason" },
  { name: "key" },
  { name: "partition", end: true },
  { name: "offset", end: true },
  { name: "size", end: true },
] as const;

const letters = async (signal: AbortSignal, after?: string) => {
  const { letters: entries, next } = await admin.deadLetters(signal, after);
  return { entries, next };
};

/** What is committed but not on the bus yet, and what no job could read. */
export function Outbox() {
  const t = useTranslations("admin.outbox");
  const shared = useTranslations("admin");
  const clock = useClock();
  const refusalText = useRefusalText();
  const { value, error } = usePolled(admin.outbox, EVERY_MS);
  const dead = usePaged(letters);
  const isOld = (value?.oldestMs ?? 0) > OLD_MS;
  return (
    <>
      <Card title={t("title")}>
        <Notice>{error && refusalText(error)}</Notice>
        <dl className="flex gap-10">
          <div>
            <dt className="text-muted text-sm">{t("rows")}</dt>
            <dd data-testid={adminTestids.outboxRows} className="font-semibold text-xl tabular-nums">
              {count(value?.rows)}
            </dd>
          </div>
          <div>
            <dt className="text-muted text-sm">{t("oldest")}</dt>
            <dd className={cx("font-semibold text-xl tabular-nums", isOld && "text-warn")}>{span(value?.oldestMs)}</dd>
          </div>
        </dl>
        {isOld ? <p className="text-sm text-warn">{t("isOld")}</p> : null}
      </Card>
      <Hooks />
      <Card
        title={t("dead")}
        end={
          <Button small busy={dead.isLoading} onClick={dead.reload}>
            {shared("lookAgain")}
          </Button>
        }
      >
        <Notice>{dead.error && refusalText(dead.error)}</Notice>
        {dead.entries?.length === 0 ? <p className="text-muted text-sm">{t("noDead")}</p> : null}
        {dead.entries?.length ? (
          <Table
            caption={t("dead")}
            columns={COLUMNS.map(({ name, ...column }) => ({ ...column, label: t(`columns.${name}`) }))}
          >
            {dead.entries.map((letter) => (
              <Row key={`${letter.partition}-${letter.offset}`} testid={adminTestids.deadLetter}>
                <Cell>{clock.moment(letter.atMs)}</Cell>
                <Cell>{letter.reason}</Cell>
                <Cell className="font-mono">{letter.key}</Cell>
                <Cell end>{letter.partition}</Cell>
                <Cell end>{letter.offset}</Cell>
                <Cell end>{bytes(letter.bytes)}</Cell>
              </Row>
            ))}
          </Table>
        ) : null}
        {dead.hasMore ? (
          <Button small busy={dead.isLoading} onClick={dead.more} className="self-start">
            {shared("more")}
          </Button>
        ) : null}
      </Card>
    </>
  );
}
