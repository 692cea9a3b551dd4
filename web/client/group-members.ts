"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import type { Client, Member } from "@/lib/oort";
import { useRefusalText } from "./refusal";
import { useClient } from "./session";

/** Of a larger group the first so many are listed. */
export const listedMax = 1000;
/** Pages are larger than this; a smaller one is the last. */
const pageMin = 20;

async function allMembers(client: Client, id: string): Promise<Member[]> {
  const members: Member[] = [];
  for (;;) {
    const page = await client.members(id, members.at(-1)?.user.id);
    members.push(...page);
    if (page.length < pageMin || members.length >= listedMax) return members;
  }
}

/** Who is in a group, now and after each change that the server tells of in it. */
export function useMembers(id: string) {
  const client = useClient();
  const refusalText = useRefusalText();
  const [members, setMembers] = useState<readonly Member[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  /** The last one that was begun; answers to others come too late. */
  const run = useRef(0);
  const load = useCallback(async () => {
    const mine = ++run.current;
    try {
      const all = await allMembers(client, id);
      if (mine !== run.current) return;
      setMembers(all);
      setError(null);
    } catch (refused) {
      if (mine === run.current) setError(refusalText(refused));
    }
  }, [client, id, refusalText]);
  useEffect(() => void load(), [load]);
  useGroupNews(id, load);
  return { members, error, load };
}

/** Calls `changed` when the server tells of a change of the group; changes that come together are one. */
export function useGroupNews(id: string, changed: () => void): void {
  const client = useClient();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = client.on("message", ({ conversationId, message }) => {
      if (conversationId !== id || !message.system) return;
      clearTimeout(timer);
      timer = setTimeout(changed, togetherMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [client, id, changed]);
}

const togetherMs = 50;
