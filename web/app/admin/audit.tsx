"use client";

import { Button } from "@/parts/button";
import { Notice } from "@/parts/notice";
import { admin } from "./api";
import { Card } from "./card";
import { moment } from "./figures";
import { usePaged } from "./pages";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

const COLUMNS = [{ label: "When" }, { label: "Who" }, { label: "What" }, { label: "To" }, { label: "Details" }];

/** What operators did, newest first. */
export function Audit() {
  const { entries, error, hasMore, isLoading, more, reload } = usePaged(admin.audit);
  return (
    <Card
      title="Audit"
      end={
        <Button small busy={isLoading} onClick={reload}>
          Look again
        </Button>
      }
    >
      <Notice>{error?.message}</Notice>
      {entries?.length === 0 ? <p className="text-muted text-sm">No operator has done anything yet.</p> : null}
      {entries?.length ? (
        <Table caption="What operators did" columns={COLUMNS}>
          {entries.map((entry) => (
            <Row key={entry.id} testid={adminTestids.auditEntry} name={entry.action}>
              <Cell>{moment(entry.atMs)}</Cell>
              <Cell>{entry.actor || "command line"}</Cell>
              <Cell>{entry.action.replaceAll("_", " ")}</Cell>
              <Cell>{entry.subject}</Cell>
              <Cell className="max-w-md truncate font-mono text-muted">{describe(entry.details)}</Cell>
            </Row>
          ))}
        </Table>
      ) : null}
      {hasMore ? (
        <Button small busy={isLoading} onClick={more} className="self-start">
          More
        </Button>
      ) : null}
    </Card>
  );
}

function describe(details: unknown): string {
  if (details === null || details === undefined) return "";
  const text = typeof details === "string" ? details : JSON.stringify(details);
  return text === "{}" ? "" : text;
}
