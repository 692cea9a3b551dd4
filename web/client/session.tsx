"use client";

import { createClient } from "@oort/sdk";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import type { Client, Me } from "@/lib/oort";
import { useStore } from "@/lib/store";

const ClientContext = createContext<Client | null>(null);

/** Messages of the open conversation that are kept at hand; the list draws those in sight only. */
const logOpenMax = 20_000;

/** Without a key or a touch for so long the device counts as left alone; a page out of sight gets neither. */
const awayAfterMs = 5 * 60_000;

/** The user has asked to log out: its end needs no explanation. */
export const leaving = { now: false };

let only: Client | undefined;
let started = false;

/** One client for the page, whatever is drawn anew. */
function theClient(): Client {
  only ??= createClient({ url: "", auth: { kind: "cookie" }, awayAfterMs, limits: { logOpenMax } });
  return only;
}

export function ClientProvider({ children }: { children: ReactNode }) {
  const client = theClient();
  useEffect(() => {
    if (!started) client.start();
    started = true;
  }, [client]);
  return <ClientContext value={client}>{children}</ClientContext>;
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("useClient outside of ClientProvider");
  return client;
}

const MeContext = createContext<Me | null>(null);
export const MeProvider = MeContext;

/** Who is logged in; only inside the screens that need it. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe outside of MeProvider");
  return me;
}

export function useConnection() {
  return useStore(useClient().connection);
}
