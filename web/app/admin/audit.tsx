"use client";

import { useTranslations } from "use-intl";
import { useClock } from "@/client/language";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Notice } from "@/parts/notice";
import { admin } from "./api";
import { Card } from "./card";
import { usePaged } from "./pages";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

/** Written by the server itself. Whatever else has no actor was done on the command line. */
const OF_SERVER: readonly string[] = ["login_locked"];

const COLUMNS = ["when", "who", "what", "to", "details"] as const;

/** What operators did, newest first. */
export function Audit() {
  const t = useTranslations("admin.audit");
  const shared = useTranslations("admin");
  const clock = useClock();
  const refusalText = useRefusalText();
  const { entries, error, hasMore, isLoading, more, reload } = usePaged(admin.audit);
  const actionText = (action: string) => {
    const key = `actions.${action}` as Parameters<typeof t>[0];
    return t.has(key) ? t(key) : action.replaceAll("_", " ");
  };
  return (
    <Card
      title={t("title")}
      end={
        <Button small busy={isLoading} onClick={reload}>
          {shared("lookAgain")}
        </Button>
      }
    >
      <Notice>{error && refusalText(error)}</Notice>
      {entries?.length === 0 ? <p className="text-muted text-sm">{t("nothing")}</p> : null}
      {entries?.length ? (
        <Table caption={t("caption")} columns={COLUMNS.map((name) => ({ label: t(`columns.${name}`) }))}>
          {entries.map((entry) => (
            <Row key={entry.id} testid={adminTestids.auditEntry} name={entry.action}>
              <Cell>{clock.moment(entry.atMs)}</Cell>
              <Cell>{entry.actor || t(OF_SERVER.includes(entry.action) ? "server" : "commandLine")}</Cell>
              <Cell>{actionText(entry.action)}</Cell>
              <Cell>{entry.subject === "everyone" ? t("everyone") : entry.subject}</Cell>
              <Cell className="max-w-md truncate font-mono text-muted">{describe(entry.details)}</Cell>
            </Row>
          ))}
        </Table>
      ) : null}
      {hasMore ? (
        <Button small busy={isLoading} onClick={more} className="self-start">
          {shared("more")}
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
