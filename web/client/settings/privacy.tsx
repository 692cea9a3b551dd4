"use client";

import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { Privacy } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button } from "@/parts/button";
import { Choice } from "@/parts/choice";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { Switch } from "@/parts/switch";
import { useDoing, usePeople } from "../contacts/use-contacts";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";
import { Row } from "./settings";

const ways = ["findByName", "findByEmail", "findById"] as const;
const finders = ["everyone", "contacts", "nobody"] as const;
const switches = ["sendReceipts", "invisible"] as const;

/** Who finds one, and by what; and what others see of what one does. */
export function PrivacyChoices() {
  const t = useTranslations("settings");
  const client = useClient();
  const refusalText = useRefusalText();
  const [privacy, setPrivacy] = useState<Privacy | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const { busy, error, run } = useDoing();
  const put = (change: Partial<Privacy>) =>
    void run("privacy", async () => {
      if (privacy) setPrivacy(await client.contacts.setPrivacy({ ...privacy, ...change }));
    });
  useEffect(() => {
    let wanted = true;
    const load = () =>
      client.contacts.privacy().then(
        (now) => wanted && setPrivacy(now),
        (refused) => wanted && setFailed(refusalText(refused)),
      );
    void load();
    // Another device has changed it.
    const stop = client.on("event", ({ kind }) => {
      if (kind === "privacy_changed") void load();
    });
    return () => {
      wanted = false;
      stop();
    };
  }, [client, refusalText]);

  return (
    <div data-testid={testids.privacy} className="flex flex-col gap-3">
      <Notice>{failed ?? error}</Notice>
      {privacy || failed ? null : <Spinner className="my-2" />}
      {privacy
        ? ways.map((way) => (
            <Row key={way} label={t(way)}>
              <Choice
                label={t(way)}
                value={privacy[way]}
                options={finders.map((value) => ({ value, label: t(`finders.${value}`) }))}
                onChange={(next) => put({ [way]: next })}
                testid={`${testids.privacy}-${way}`}
              />
            </Row>
          ))
        : null}
      {privacy
        ? switches.map((name) => (
            <Row key={name} id={`${name}-label`} label={t(name)} hint={t(`${name}Hint`)}>
              <Switch
                checked={privacy[name]}
                disabled={busy !== null}
                onChange={(on) => put({ [name]: on })}
                labelledBy={`${name}-label`}
                data-testid={testids[name]}
              />
            </Row>
          ))
        : null}
    </div>
  );
}

/** Whom one has blocked; nothing where that is nobody. */
export function BlockedPeople() {
  const t = useTranslations("settings");
  const client = useClient();
  const people = usePeople();
  const { busy, error, run } = useDoing();
  if (!people || people.blocked.length === 0) return null;
  return (
    <>
      <Notice>{error}</Notice>
      <p className="border-line border-t pt-3">{t("blocked")}</p>
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
      <ul role="list">
        {people.blocked.map(({ user }) => (
          <li
            key={user.id}
            data-testid={testids.blockedUser}
            data-user={user.id}
            className="flex h-12 items-center gap-3"
          >
            <Avatar id={user.id} name={user.username} size="sm" />
            <bdi className="min-w-0 flex-1 truncate">{user.username}</bdi>
            <Button
              small
              busy={busy === user.id}
              data-testid={testids.unblockUser}
              aria-label={t("unblockOf", { name: user.username })}
              onClick={() => run(user.id, () => client.contacts.block(user.id, false))}
            >
              {t("unblock")}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}
