"use client";

import { useEffect, useState } from "react";
import type { User } from "@/lib/oort";
import { useClient } from "./session";

/** Typing goes on: the server is asked when it has paused for this long. */
const pauseMs = 200;

/** People whose name begins with what was typed. What cannot be asked is not found; the connection bar says why. */
export function useFoundUsers(prefix: string): { users: readonly User[]; searching: boolean } {
  const client = useClient();
  const [found, setFound] = useState<{ prefix: string; users: readonly User[] }>({ prefix: "", users: [] });

  useEffect(() => {
    if (!prefix) return;
    let wanted = true;
    const timer = setTimeout(async () => {
      const users = await Promise.resolve(client.findUsers(prefix)).catch(() => []);
      if (wanted) setFound({ prefix, users });
    }, pauseMs);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [client, prefix]);

  if (!prefix) return { users: [], searching: false };
  return { users: found.users, searching: found.prefix !== prefix };
}
