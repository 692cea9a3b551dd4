"use client";

import { useCallback, useEffect, useState } from "react";
import type { Group } from "@/lib/oort";
import { useGroupNews } from "../group-members";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

/** A group with what its list entry does not say, now and after each change. */
export function useGroup(id: string) {
  const client = useClient();
  const refusalText = useRefusalText();
  const [group, setGroup] = useState<Group | null>(null);
  const [error, setError] = useState<string | null>(null);
  const load = useCallback(async () => {
    try {
      setGroup(await client.groups.get(id));
      setError(null);
    } catch (refused) {
      setError(refusalText(refused));
    }
  }, [client, id, refusalText]);
  useEffect(() => void load(), [load]);
  useGroupNews(id, load);
  return { group, error };
}
