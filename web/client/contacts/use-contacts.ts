"use client";

import { useMemo, useState } from "react";
import { type People, sorted } from "@/lib/contacts";
import type { Contact } from "@/lib/oort";
import { useStore } from "@/lib/store";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";
import { useNow } from "../use-now";

/** Everybody one holds something of; null until it is known. */
export function usePeople(): People | null {
  const all = useStore(useClient().contacts.all);
  const now = useNow();
  return useMemo(() => (all ? sorted(all.values(), now) : null), [all, now]);
}

/** What one holds of somebody: undefined is nothing, null is not known yet. */
export function useTie(userId: string): Contact | undefined | null {
  const all = useStore(useClient().contacts.all);
  return all === null ? null : all.get(userId);
}

/** Runs one thing at a time; says what it was refused with. */
export function useDoing() {
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  async function run(name: string, what: () => Promise<unknown>): Promise<boolean> {
    if (busy !== null) return false;
    setBusy(name);
    setError(null);
    try {
      await what();
      return true;
    } catch (refused) {
      setError(refusalText(refused));
      return false;
    } finally {
      setBusy(null);
    }
  }
  return { busy, error, run };
}
