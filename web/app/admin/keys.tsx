"use client";

import { type FormEvent, useCallback, useState } from "react";
import { useTranslations } from "use-intl";
import { useClock } from "@/client/language";
import { useRefusalText } from "@/client/refusal";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { type ApiKey, admin, type CreatedKey, KEY_SCOPES, type KeyScope, type Refused } from "./api";
import { Card } from "./card";
import { Confirm } from "./confirm";
import { positive } from "./messages";
import { usePolled } from "./polling";
import { Cell, Row, Table } from "./table";
import { adminTestids } from "./testids";

const EVERY_MS = 10_000;
const COLUMNS = ["name", "prefix", "scopes", "account", "used", "ends", "action"] as const;

/** Keys of servers: makes them, shows the secret once, revokes them. */
export function Keys() {
  const t = useTranslations("admin.keys");
  const clock = useClock();
  const refusalText = useRefusalText();
  const load = useCallback((signal: AbortSignal) => admin.keys(signal), []);
  const { value, error, reload } = usePolled(load, EVERY_MS);
  const [made, setMade] = useState<CreatedKey | null>(null);
  const [ending, setEnding] = useState<ApiKey | null>(null);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  const keys = value?.keys ?? [];
  const refused = refusal ?? error;

  return (
    <>
      <Make
        onMade={(key) => {
          setMade(key);
          reload();
        }}
      />
      {made ? (
        <Card title={t("made", { name: made.key.name })}>
          <p className="text-muted text-sm">{t("once")}</p>
          <code className="break-all rounded-lg bg-sunken p-3 font-mono" data-testid={adminTestids.keySecret}>
            {made.secret}
          </code>
          <Button small className="self-start" onClick={() => setMade(null)}>
            {t("kept")}
          </Button>
        </Card>
      ) : null}
      <Card title={t("title")}>
        <Notice>{refused && refusalText(refused)}</Notice>
        {value && keys.length === 0 ? <p className="text-muted text-sm">{t("none")}</p> : null}
        {keys.length > 0 ? (
          <Table
            caption={t("title")}
            columns={COLUMNS.map((name) => ({ label: t(`columns.${name}`), end: name === "action" }))}
          >
            {keys.map((key) => (
              <Row key={key.id} testid={adminTestids.key} name={key.name}>
                <Cell>{key.name}</Cell>
                <Cell className="font-mono">{key.prefix}…</Cell>
                <Cell>{key.scopes.join(", ")}</Cell>
                <Cell>{key.user ? `${key.user.username} #${key.user.id}` : "–"}</Cell>
                <Cell>{key.usedAtMs ? clock.moment(key.usedAtMs) : t("never")}</Cell>
                <Cell>{key.expiresAtMs ? clock.moment(key.expiresAtMs) : "–"}</Cell>
                <Cell end>
                  <Button kind="danger" small onClick={() => setEnding(key)} data-testid={adminTestids.keyRevoke}>
                    {t("revoke")}
                  </Button>
                </Cell>
              </Row>
            ))}
          </Table>
        ) : null}
      </Card>
      {ending ? (
        <Confirm
          title={t("sure", { name: ending.name })}
          text={t("sureHint")}
          action={t("revoke")}
          onConfirm={() => {
            setRefusal(null);
            admin.revokeKey(ending.id).then(reload).catch(setRefusal);
          }}
          onClose={() => setEnding(null)}
        />
      ) : null}
    </>
  );
}

function Make({ onMade }: { onMade: (key: CreatedKey) => void }) {
  const t = useTranslations("admin.keys");
  const refusalText = useRefusalText();
  const [name, setName] = useState("");
  const [userId, setUserId] = useState("");
  const [scopes, setScopes] = useState<readonly KeyScope[]>([]);
  const [refused, setRefused] = useState<Refused | null>(null);
  const needsAccount = scopes.some((scope) => scope !== "push");
  const isGood = name.trim() && scopes.length > 0 && (!needsAccount || positive(userId) !== null);

  const make = (event: FormEvent) => {
    event.preventDefault();
    if (!isGood) return;
    setRefused(null);
    admin
      .createKey({ name: name.trim(), scopes, userId: needsAccount ? userId.trim() : undefined })
      .then((key) => {
        setName("");
        onMade(key);
      })
      .catch(setRefused);
  };

  return (
    <Card title={t("make")}>
      <form className="flex flex-wrap items-end gap-3" onSubmit={make}>
        <Field
          label={t("name")}
          maxLength={64}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
          data-testid={adminTestids.keyName}
        />
        <fieldset className="flex flex-col gap-1.5">
          <legend className="font-medium text-sm">{t("scopes")}</legend>
          <div className="flex flex-wrap gap-x-4 gap-y-1">
            {KEY_SCOPES.map((scope) => (
              <label key={scope} className="flex h-8 items-center gap-1.5">
                <input
                  type="checkbox"
                  checked={scopes.includes(scope)}
                  onChange={({ target }) =>
                    setScopes(target.checked ? [...scopes, scope] : scopes.filter((other) => other !== scope))
                  }
                  data-testid={adminTestids.keyScope}
                  data-name={scope}
                />
                {scope}
              </label>
            ))}
          </div>
        </fieldset>
        <Field
          label={t("account")}
          inputMode="numeric"
          autoComplete="off"
          disabled={!needsAccount}
          value={userId}
          onChange={(event) => setUserId(event.target.value)}
          data-testid={adminTestids.keyUser}
        />
        <Button kind="primary" type="submit" disabled={!isGood} data-testid={adminTestids.keyMake}>
          {t("submit")}
        </Button>
      </form>
      <Notice>{refused && refusalText(refused)}</Notice>
    </Card>
  );
}
