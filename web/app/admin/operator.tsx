"use client";

import { Activity, Inbox, KeyRound, Megaphone, Route, ScrollText, ShieldAlert, Users } from "lucide-react";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import { LanguageProvider } from "@/client/language";
import { useRefusalText } from "@/client/refusal";
import { useTheme } from "@/client/shell/theme";
import { Button } from "@/parts/button";
import { Choice } from "@/parts/choice";
import { Empty } from "@/parts/empty";
import { Logo } from "@/parts/logo";
import { Spinner } from "@/parts/spinner";
import { admin, type OperatorRole, Refused } from "./api";
import { Audit } from "./audit";
import { Broadcast } from "./broadcast";
import { Keys } from "./keys";
import { Messages } from "./messages";
import { Outbox } from "./outbox";
import { Overview } from "./overview";
import { People } from "./people";
import { adminTestids } from "./testids";
import { words } from "./words";

const SECTIONS = ["overview", "people", "messages", "outbox", "broadcast", "keys", "audit"] as const;
type Section = (typeof SECTIONS)[number];

/** For administrators only. */
const ADMINISTRATION: readonly Section[] = ["broadcast", "keys"];

const ICONS = {
  overview: Activity,
  people: Users,
  messages: Route,
  outbox: Inbox,
  broadcast: Megaphone,
  keys: KeyRound,
  audit: ScrollText,
};

type Access =
  | { state: "asking" }
  | { state: "allowed"; username: string; role: OperatorRole }
  /** Null: the server answered, and this person is no operator. */
  | { state: "refused"; error: Refused | null };

/** The operator's page: what the system does now, and the few things that may be done to it. */
export function Operator() {
  useTheme();
  return (
    <LanguageProvider words={words} waiting={<Waiting />}>
      <Sections />
    </LanguageProvider>
  );
}

/** Before it is known who is here, and in which language to speak. */
function Waiting() {
  return (
    <main className="flex h-dvh items-center justify-center text-accent">
      <h1 className="sr-only">Oort</h1>
      <Spinner />
    </main>
  );
}

function Sections() {
  const t = useTranslations("admin");
  const refusalText = useRefusalText();
  const [access, ask] = useAccess();
  const section = useSection();
  const title = t("title");
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (access.state === "asking") return <Waiting />;
  if (access.state === "refused") {
    return (
      <main data-testid={adminTestids.refused} className="flex h-dvh flex-col">
        <h1 className="sr-only">{title}</h1>
        <Empty icon={ShieldAlert} title={access.error ? refusalText(access.error) : t("operatorsOnly")}>
          <div className="flex gap-2">
            <Button onClick={ask}>{t("tryAgain")}</Button>
            <Button kind="quiet" onClick={() => location.assign("/")}>
              {t("back")}
            </Button>
          </div>
        </Empty>
      </main>
    );
  }
  const isAdministrator = access.role === "administrator";
  const mayModerate = access.role !== "viewer";
  const sections = SECTIONS.filter((name) => isAdministrator || !ADMINISTRATION.includes(name));
  return (
    <div data-testid={adminTestids.admin} className="flex h-dvh flex-col bg-bg">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b bg-surface px-4 py-2.5">
        <a href="/chat/" className="flex items-center gap-2.5 rounded-lg" aria-label={t("back")}>
          <Logo className="size-7 text-accent" />
        </a>
        <h1 className="font-semibold text-lg">{t("heading")}</h1>
        <span className="ml-auto truncate text-muted text-sm sm:order-last">{access.username}</span>
        <Choice
          label={t("section")}
          value={section}
          options={sections.map((value) => ({ value, label: t(`sections.${value}`), icon: ICONS[value] }))}
          onChange={(next) => location.replace(`#${next}`)}
          testid={adminTestids.tab}
        />
      </header>
      <main aria-label={t(`sections.${section}`)} className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex max-w-6xl flex-col gap-4 p-4">
          {section === "overview" ? <Overview /> : null}
          {section === "people" ? <People mayModerate={mayModerate} /> : null}
          {section === "messages" ? <Messages mayModerate={mayModerate} mayReplay={isAdministrator} /> : null}
          {section === "outbox" ? <Outbox /> : null}
          {section === "broadcast" && isAdministrator ? <Broadcast /> : null}
          {section === "keys" && isAdministrator ? <Keys /> : null}
          {section === "audit" ? <Audit /> : null}
        </div>
      </main>
    </div>
  );
}

/** The server decides; this only says so before anything else is asked. */
function useAccess(): [Access, () => void] {
  const [access, setAccess] = useState<Access>({ state: "asking" });
  const ask = useCallback(() => {
    admin
      .me()
      .then(({ user, operator, operatorRole = "viewer" }) =>
        setAccess(
          operator
            ? { state: "allowed", username: user.username, role: operatorRole }
            : { state: "refused", error: null },
        ),
      )
      .catch((error: Refused) => {
        if (error instanceof Refused && error.status === 401) location.replace("/login/");
        else setAccess({ state: "refused", error });
      });
  }, []);
  useEffect(ask, [ask]);
  return [access, ask];
}

function useSection(): Section {
  return useSyncExternalStore(
    (changed) => {
      addEventListener("hashchange", changed);
      return () => removeEventListener("hashchange", changed);
    },
    () => SECTIONS.find((name) => location.hash === `#${name}`) ?? "overview",
    () => "overview",
  );
}
