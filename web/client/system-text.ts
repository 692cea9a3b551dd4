"use client";

import { useCallback } from "react";
import { useTranslations } from "use-intl";
import type { Message } from "@/lib/oort";

/** What the server wrote into a conversation, in the reader's language. */
export function useSystemText(): (message: Message) => string {
  const t = useTranslations("system");
  return useCallback(
    ({ system, sender, content }) => {
      if (!system) return content;
      const users = system.users.map(({ username }) => username).join(", ");
      const actor = sender.username;
      switch (system.event) {
        case "members_added":
          return t("membersAdded", { actor, users });
        case "member_left":
          return t("memberLeft", { users: users || actor });
        case "member_removed":
          return t("memberRemoved", { actor, users });
        default:
          return t("other", { event: system.event.replaceAll("_", " "), users: users || actor });
      }
    },
    [t],
  );
}
