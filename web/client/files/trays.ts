"use client";

import type { Client } from "@/lib/oort";
import { Tray } from "@/lib/tray";
import { useClient, useMe } from "../session";

/** By user and conversation: uploads go on while one looks at another one. Empty ones are made anew at no cost. */
const trays = new Map<string, Tray>();

/** What was chosen for this conversation and is not sent yet. */
export function useTray(conversation: string): Tray {
  const client = useClient();
  const key = `${useMe().id} ${conversation}`;
  let tray = trays.get(key);
  if (!tray) {
    for (const [other, { get }] of trays) if (get().length === 0) trays.delete(other);
    tray = trayOf(client);
    trays.set(key, tray);
  }
  return tray;
}

function trayOf({ files }: Client): Tray {
  return new Tray({
    upload: (file, options) => files.upload(file, options),
    remove: (id) => files.remove(id),
    look: async (file) => (await import("@/lib/look")).look(file),
  });
}
