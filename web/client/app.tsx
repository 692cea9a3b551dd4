"use client";

import { type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { invitation } from "@/lib/invitation";
import { navigate, type Route, useRoute } from "@/lib/routes";
import { useStore } from "@/lib/store";
import { Logo } from "@/parts/logo";
import { Spinner } from "@/parts/spinner";
import { LanguageProvider } from "./language";
import { lazyPart } from "./lazy-part";
import { ClientProvider, leaving, MeProvider, useClient } from "./session";
import { registerServiceWorker } from "./shell/service-worker";
import { useTheme } from "./shell/theme";
import { words } from "./words";

// Neither needs the other's script.
const Access = lazyPart(() => import("./access/access"));
const Shell = lazyPart(() => import("./shell/shell"));

export function App() {
  const route = useRoute();
  useEffect(registerServiceWorker, []);
  useTheme();
  if (!route) return <Splash />;
  return (
    <LanguageProvider words={words} waiting={<Splash />}>
      <ClientProvider>
        <Suspense fallback={<Splash />}>
          <Screen route={route} />
        </Suspense>
      </ClientProvider>
    </LanguageProvider>
  );
}

function Screen({ route }: { route: Route }) {
  const client = useClient();
  const me = useStore(client.me);
  const { state } = useStore(client.connection);
  const inside = route.screen === "chat" || route.screen === "settings";
  const out = state === "unauthenticated";

  // Ended from elsewhere, not here: then it is said.
  const [ended, setEnded] = useState(false);
  const wasIn = useRef(false);
  useEffect(() => {
    if (me) {
      wasIn.current = true;
      setEnded(false);
    } else if (out && wasIn.current) {
      wasIn.current = false;
      setEnded(!leaving.now);
      leaving.now = false;
    }
  }, [me, out]);

  // A link into a group: it is asked behind the log-in, and its token stands in no address any more.
  useEffect(() => {
    if (route.screen !== "join") return;
    if (route.token) invitation.keep(route.token);
    navigate({ screen: "chat", conversation: null, info: false }, "replace");
  }, [route]);

  useEffect(() => {
    if (route.screen === "join") return;
    if (out && (inside || route.screen === "home")) navigate({ screen: "login" }, "replace");
    else if (me && !out && !inside) navigate({ screen: "chat", conversation: null, info: false }, "replace");
  }, [out, me, inside, route.screen]);

  if (me && inside && !out) {
    return (
      <MeProvider value={me}>
        <Shell key={me.id} route={route} />
      </MeProvider>
    );
  }
  if (out && (route.screen === "login" || route.screen === "signup" || route.screen === "reset"))
    return <Access key={route.screen} screen={route.screen} ended={ended} />;
  return <Splash>{state === "waiting" || state === "offline" ? <Unreachable /> : null}</Splash>;
}

/** So long a connection may take without a word. */
const patienceMs = 1500;

function Unreachable() {
  const t = useTranslations("connection");
  const [told, setTold] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTold(true), patienceMs);
    return () => clearTimeout(timer);
  }, []);
  return !told ? null : <p className="max-w-72 text-center text-muted text-sm">{t("firstUnreachable")}</p>;
}

/** Before it is known who is here. */
export function Splash({ children }: { children?: ReactNode }) {
  return (
    <main className="flex h-dvh flex-col items-center justify-center gap-5 text-accent">
      <h1 className="sr-only">Oort</h1>
      <Logo className="size-12" />
      <Spinner />
      <div role="status">{children}</div>
    </main>
  );
}
