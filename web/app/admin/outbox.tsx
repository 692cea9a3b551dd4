"use client";

import { Button } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Notice } from "@/parts/notice";
import { admin } from "./api";
import { Card } from "./card";
import { bytes, count, moment, span } from "./figures";
import { usePaged } from "./pages";
import { usePolled } from "./polling";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

const EVERY_MS = 2000;
/** Rows live for one publish; what is older waits for the bus. */
const OLD_MS = 5000;

const COLUMNS = [
  { label: "When" },
  { label: "Reason" },
  { label: "Key" },
  { label: "Partition", end: true },
  { label: "Offset", end: true },
  { label: "Size", end: true },
];

const letters = async (signal: AbortSignal, after?: string) => {
  const { letters: entries, next } = await admin.deadLetters(signal, after);
  return { entries, next };
};

/** What is committed but not on the bus yet, and what no job could read. */
export function Outbox() {
  const { value, error } = usePolled(admin.outbox, EVERY_MS);
  const dead = usePaged(letters);
  const isOld = (value?.oldestMs ?? 0) > OLD_MS;
  return (
    <>
      <Card title="Outbox">
        <Notice>{error?.message}</Notice>
        <dl className="flex gap-10">
          <div>
            <dt className="text-muted text-sm">Rows that wait</dt>
            <dd data-testid={adminTestids.outboxRows} className="font-semibold text-xl tabular-nums">
              {count(value?.rows)}
            </dd>
          </div>
          <div>
            <dt className="text-muted text-sm">Age of the oldest</dt>
            <dd className={cx("font-semibold text-xl tabular-nums", isOld && "text-warn")}>{span(value?.oldestMs)}</dd>
          </div>
        </dl>
        {isOld ? (
          <p className="text-sm text-warn">Committed messages wait for the bus: is Kafka reachable from logic?</p>
        ) : null}
      </Card>
      <Card
        title="Dead letters"
        end={
          <Button small busy={dead.isLoading} onClick={dead.reload}>
            Look again
          </Button>
        }
      >
        <Notice>{dead.error?.message}</Notice>
        {dead.entries?.length === 0 ? <p className="text-muted text-sm">None: every record could be read.</p> : null}
        {dead.entries?.length ? (
          <Table caption="Dead letters" columns={COLUMNS}>
            {dead.entries.map((letter) => (
              <Row key={`${letter.partition}-${letter.offset}`} testid={adminTestids.deadLetter}>
                <Cell>{moment(letter.atMs)}</Cell>
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
            More
          </Button>
        ) : null}
      </Card>
    </>
  );
}
