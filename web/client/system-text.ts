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
        case "member_joined":
          return t("memberJoined", { users: users || actor });
        case "role_changed":
          return t(system.role === "admin" ? "madeAdmin" : "madeMember", { actor, users });
        case "owner_changed":
          return t("ownerChanged", { actor, users });
        case "member_muted":
          return t("memberMuted", { actor, users });
        case "member_unmuted":
          return t("memberUnmuted", { actor, users });
        case "expiry_changed":
          return t(system.expiresInMs ? "expiryOn" : "expiryOff", { actor });
        case "group_dissolved":
          return t("dissolved", { actor });
        case "messages_erased":
          return t("messagesErased", { users });
        case "group_changed":
          if (system.name !== undefined) return t("renamed", { actor, name: system.name });
          if (system.announcement) return t("announced", { actor, text: system.announcement });
          if (system.muteAll !== undefined) return t(system.muteAll ? "allMuted" : "allUnmuted", { actor });
          return t("changed", { actor });
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
