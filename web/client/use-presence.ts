"use client";

import { useMemo } from "react";
import type { Presence } from "@/lib/oort";
import { useStore } from "@/lib/store";
import { useClient } from "./session";

/** Who of these people is online; watched as long as it is drawn. */
export function usePresence(userIds: readonly string[]): ReadonlyMap<string, Presence> {
  const client = useClient();
  const ids = [...new Set(userIds)].sort().join(",");
  const store = useMemo(() => client.presence(ids ? ids.split(",") : []), [client, ids]);
  return useStore(store);
}
