"use client";

import { useCallback, useDeferredValue, useState } from "react";
import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { Avatar } from "@/parts/avatar";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { admin, type FoundUser, type LiveConnection, type Refused } from "./api";
import { Card } from "./card";
import { Confirm } from "./confirm";
import { usePolled } from "./polling";
import { Sanctions } from "./sanctions";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

const EVERY_MS = 5000;

/** Finds a person; shows where they are connected; ends that. */
export function People({ mayModerate }: { mayModerate: boolean }) {
  const t = useTranslations("admin.people");
  const refusalText = useRefusalText();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<FoundUser | null>(null);
  const wanted = useDeferredValue(query.trim());
  const load = useCallback(
    (signal: AbortSignal) => (wanted ? admin.users(wanted, signal) : Promise.resolve({ users: [] as FoundUser[] })),
    [wanted],
  );
  const { value, error, reload } = usePolled(load, EVERY_MS);
  const users = value?.users ?? [];
  // As the newest answer has them.
  const shown = users.find((user) => user.id === chosen?.id) ?? chosen;
  return (
    <>
      <Card title={t("title")}>
        <Field
          label={t("query")}
          type="search"
          autoComplete="off"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          data-testid={adminTestids.userQuery}
        />
        <Notice>{error && refusalText(error)}</Notice>
        <p role="status" className="text-muted text-sm">
          {wanted && value && users.length === 0 ? t("nobody") : ""}
        </p>
        <ul className="flex flex-col gap-1">
          {users.map((user) => (
            <li key={user.id}>
              <button
                type="button"
                aria-pressed={chosen?.id === user.id}
                onClick={() => setChosen(user)}
                data-testid={adminTestids.user}
                className="flex w-full items-center gap-3 rounded-lg px-2 py-1.5 text-left hover:bg-hover aria-pressed:bg-accent-soft"
              >
                <Avatar id={user.id} name={user.username} size="sm" standing={user.online ? "online" : null} />
                <span className="min-w-0 flex-1 truncate font-medium">{user.username}</span>
                {user.operator ? (
                  <span className="rounded-md bg-sunken px-1.5 py-0.5 text-muted text-xs">
                    {user.role ? t(`roles.${user.role}`) : t("operator")}
                  </span>
                ) : null}
                {user.ban ? <span className="text-danger text-sm">{t("banned")}</span> : null}
                {user.mute ? <span className="text-sm text-warn">{t("muted")}</span> : null}
                <span className="text-muted text-sm">{t(user.online ? "online" : "offline")}</span>
                <span className="text-muted text-sm tabular-nums">#{user.id}</span>
              </button>
            </li>
          ))}
        </ul>
      </Card>
      {shown && mayModerate ? <Sanctions key={`sanctions-${shown.id}`} user={shown} onChange={reload} /> : null}
      {shown ? <Connections key={shown.id} user={shown} /> : null}
    </>
  );
}

const COLUMNS = [{ name: "key" }, { name: "comet" }, { name: "platform" }, { name: "action", end: true }] as const;

function Connections({ user }: { user: FoundUser }) {
  const t = useTranslations("admin.people");
  const refusalText = useRefusalText();
  const load = useCallback((signal: AbortSignal) => admin.connections(user.id, signal), [user.id]);
  const { value, error, reload } = usePolled(load, EVERY_MS);
  const [ending, setEnding] = useState<LiveConnection | "all" | null>(null);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  const connections = value?.connections ?? [];
  const title = t("connections", { name: user.username });
  const refused = refusal ?? error;

  const kick = (what: LiveConnection | "all") => {
    setRefusal(null);
    admin
      .kick(user.id, what === "all" ? undefined : what.key)
      .then(reload)
      .catch(setRefusal);
  };

  return (
    <Card
      title={title}
      end={
        <Button
          kind="danger"
          small
          disabled={connections.length === 0}
          onClick={() => setEnding("all")}
          data-testid={adminTestids.kickAll}
        >
          {t("endAll")}
        </Button>
      }
    >
      <Notice>{refused && refusalText(refused)}</Notice>
      <Table
        caption={title}
        columns={COLUMNS.map(({ name, ...column }) => ({ ...column, label: t(`columns.${name}`) }))}
      >
        {connections.map((connection) => (
          <Row key={connection.key} testid={adminTestids.userConnection} name={connection.key}>
            <Cell className="font-mono">{connection.key}</Cell>
            <Cell>{connection.comet}</Cell>
            <Cell>{connection.platform || "–"}</Cell>
            <Cell end>
              <Button kind="danger" small onClick={() => setEnding(connection)} data-testid={adminTestids.kick}>
                {t("end")}
              </Button>
            </Cell>
          </Row>
        ))}
      </Table>
      {value && connections.length === 0 ? <p className="text-muted text-sm">{t("notConnected")}</p> : null}
      {ending ? (
        <Confirm
          title={ending === "all" ? t("endAllSure", { name: user.username }) : t("endThisSure")}
          text={t("endHint")}
          action={t("end")}
          onConfirm={() => kick(ending)}
          onClose={() => setEnding(null)}
        />
      ) : null}
    </Card>
  );
}
