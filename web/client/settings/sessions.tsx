"use client";

import { Globe, Laptop, type LucideIcon, MonitorSmartphone, Smartphone, Tablet } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { LogInSession } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { useClock } from "../language";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";
import { useNow } from "../use-now";

const icons: Record<string, LucideIcon> = { web: Globe, phone: Smartphone, tablet: Tablet, desktop: Laptop };

/** All but this one. */
const others = "others";

function isKind(kind: string): kind is "web" | "phone" | "tablet" | "desktop" {
  return kind in icons;
}

/** Where one is logged in, and an end to it. */
export function Sessions() {
  const t = useTranslations("settings");
  const client = useClient();
  const clock = useClock();
  const now = useNow();
  const refusalText = useRefusalText();
  const [sessions, setSessions] = useState<readonly LogInSession[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [ending, setEnding] = useState<string | null>(null);

  const load = useCallback(async () => {
    try {
      setSessions(await client.account.sessions());
      setError(null);
    } catch (refused) {
      setError(refusalText(refused));
    }
  }, [client, refusalText]);
  useEffect(() => void load(), [load]);

  async function end(id: string) {
    setEnding(id);
    try {
      await (id === others ? client.account.endOtherSessions() : client.account.endSession(id));
    } catch (refused) {
      setError(refusalText(refused));
    }
    await load();
    setEnding(null);
  }

  const sorted = sessions?.toSorted(
    (a, b) => Number(b.current ?? false) - Number(a.current ?? false) || b.lastSeenMs - a.lastSeenMs,
  );
  return (
    <div className="flex flex-col">
      {sorted || error ? null : <Spinner className="my-2" />}
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
      <ul role="list">
        {sorted?.map((session) => {
          const Icon = icons[session.deviceKind] ?? MonitorSmartphone;
          return (
            <li
              key={session.id}
              data-testid={testids.session}
              data-current={session.current === true}
              className="flex min-h-12 items-center gap-3 border-line py-2 not-last:border-b"
            >
              <Icon aria-hidden="true" className="size-5 shrink-0 text-muted" />
              <div className="min-w-0 flex-1">
                <p className="truncate">
                  <bdi>{session.device || t("unknownDevice")}</bdi>
                  {session.current ? (
                    <span className="ml-2 rounded-full bg-accent-soft px-2 py-0.5 font-medium text-accent-text text-xs">
                      {t("thisDevice")}
                    </span>
                  ) : null}
                </p>
                <p className="text-muted text-sm">
                  {isKind(session.deviceKind) ? `${t(`kinds.${session.deviceKind}`)} · ` : null}
                  {t("sessionTimes", {
                    begun: clock.day(session.createdAtMs, now),
                    seen: clock.ago(session.lastSeenMs, now),
                  })}
                </p>
              </div>
              {session.current ? null : (
                <Button
                  kind="danger"
                  small
                  busy={ending === session.id}
                  data-testid={testids.endSession}
                  aria-label={t("endSessionOf", { device: session.device || t("unknownDevice") })}
                  onClick={() => end(session.id)}
                >
                  {t("endSession")}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {sorted && sorted.length > 1 ? (
        <Button
          kind="danger"
          small
          busy={ending === others}
          data-testid={testids.endOtherSessions}
          onClick={() => end(others)}
          className="mt-2 self-start"
        >
          {t("endOthers")}
        </Button>
      ) : null}
      <Notice>{error}</Notice>
    </div>
  );
}
