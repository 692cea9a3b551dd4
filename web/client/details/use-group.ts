"use client";

import { useCallback, useEffect, useRef, useState } from "react";
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
  /** The last one that was begun; answers to others come too late. */
  const run = useRef(0);
  const load = useCallback(async () => {
    const mine = ++run.current;
    try {
      const now = await client.groups.get(id);
      if (mine !== run.current) return;
      setGroup(now);
      setError(null);
    } catch (refused) {
      if (mine === run.current) setError(refusalText(refused));
    }
  }, [client, id, refusalText]);
  useEffect(() => void load(), [load]);
  useGroupNews(id, load);
  return { group, error };
}
