"use client";

import { OortError } from "@oort/sdk";
import type { Client } from "@/lib/oort";
import { Outgoing } from "@/lib/outgoing";
import { Outgoings } from "@/lib/outgoings";
import { Tray } from "@/lib/tray";
import { keepDraft } from "../chat/drafts";
import { useClient, useMe } from "../session";

/** Files are on this page alone: the browser asks before it leaves them. */
const leave = (event: BeforeUnloadEvent) => event.preventDefault();

const outgoings = new Outgoings((holds) =>
  holds ? addEventListener("beforeunload", leave) : removeEventListener("beforeunload", leave),
);

/** What is written in this conversation and not sent yet. */
export function useOutgoing(conversation: string): Outgoing {
  const client = useClient();
  const me = useMe().id;
  return outgoings.of(`${me} ${conversation}`, () => outgoingOf(client, me, conversation));
}

function outgoingOf(client: Client, me: string, conversation: string): Outgoing {
  const { files } = client;
  const tray = new Tray({
    upload: (file, options) => files.upload(file, options),
    remove: (id) => files.remove(id),
    look: async (file) => (await import("@/lib/look")).look(file),
  });
  return new Outgoing(
    tray,
    (draft) => {
      // Somebody else may have logged in while it waited.
      if (client.me.get()?.id !== me) throw new OortError("unauthenticated", "the log-in is over");
      client.conversation(conversation).send(draft);
    },
    () => keepDraft(conversation, ""),
  );
}
