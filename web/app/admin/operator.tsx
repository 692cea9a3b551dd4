"use client";

import { Activity, Inbox, Megaphone, ScrollText, ShieldAlert, Users } from "lucide-react";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { Button } from "@/parts/button";
import { Choice } from "@/parts/choice";
import { Empty } from "@/parts/empty";
import { Logo } from "@/parts/logo";
import { Spinner } from "@/parts/spinner";
import { admin, Refused } from "./api";
import { Audit } from "./audit";
import { Broadcast } from "./broadcast";
import { Outbox } from "./outbox";
import { Overview } from "./overview";
import { People } from "./people";
import { adminTestids } from "./testids";

const SECTIONS = ["overview", "people", "outbox", "broadcast", "audit"] as const;
type Section = (typeof SECTIONS)[number];

const OPTIONS = [
  { value: "overview", label: "Nodes", icon: Activity },
  { value: "people", label: "People", icon: Users },
  { value: "outbox", label: "Outbox", icon: Inbox },
  { value: "broadcast", label: "Broadcast", icon: Megaphone },
  { value: "audit", label: "Audit", icon: ScrollText },
] as const;

type Access = { state: "asking" } | { state: "allowed"; username: string } | { state: "refused"; reason: string };

/** The operator's page: what the system does now, and the few things that may be done to it. */
export function Operator() {
  const [access, ask] = useAccess();
  const section = useSection();
  if (access.state === "asking") {
    return (
      <main className="flex h-dvh items-center justify-center text-accent">
        <h1 className="sr-only">Oort operations</h1>
        <Spinner />
      </main>
    );
  }
  if (access.state === "refused") {
    return (
      <main data-testid={adminTestids.refused} className="flex h-dvh flex-col">
        <h1 className="sr-only">Oort operations</h1>
        <Empty icon={ShieldAlert} title={access.reason}>
          <div className="flex gap-2">
            <Button onClick={ask}>Try again</Button>
            <Button kind="quiet" onClick={() => location.assign("/")}>
              Back to the chat
            </Button>
          </div>
        </Empty>
      </main>
    );
  }
  return (
    <div data-testid={adminTestids.admin} className="flex h-dvh flex-col bg-bg">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b bg-surface px-4 py-2.5">
        <a href="/chat/" className="flex items-center gap-2.5 rounded-lg" aria-label="Back to the chat">
          <Logo className="size-7 text-accent" />
        </a>
        <h1 className="font-semibold text-lg">Operations</h1>
        <span className="ml-auto truncate text-muted text-sm sm:order-last">{access.username}</span>
        <Choice
          label="Section"
          value={section}
          options={OPTIONS}
          onChange={(next) => location.replace(`#${next}`)}
          testid={adminTestids.tab}
        />
      </header>
      <main
        aria-label={OPTIONS.find(({ value }) => value === section)?.label}
        className="min-h-0 flex-1 overflow-y-auto"
      >
        <div className="mx-auto flex max-w-6xl flex-col gap-4 p-4">
          {section === "overview" ? <Overview /> : null}
          {section === "people" ? <People /> : null}
          {section === "outbox" ? <Outbox /> : null}
          {section === "broadcast" ? <Broadcast /> : null}
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
      .then(({ username, operator }) =>
        setAccess(
          operator ? { state: "allowed", username } : { state: "refused", reason: "Only operators see this page." },
        ),
      )
      .catch((error: Refused) => {
        if (error instanceof Refused && error.status === 401) location.replace("/login/");
        else setAccess({ state: "refused", reason: error.message });
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
