"use client";

import { useEffect } from "react";
import { useTranslations } from "use-intl";
import { isMuted } from "@/lib/closed";
import { preferences } from "@/lib/preferences";
import { navigate } from "@/lib/routes";
import { useContentText } from "../content-text";
import { useClient, useMe } from "../session";

/** At most one notification of a conversation in this time: a busy room must not fill the screen. */
const quietMs = 5000;
/** Somebody who looks at it elsewhere has read it within this time. */
const readElsewhereMs = 1200;

/** While the client is open but not looked at, new messages are shown by the system; where that is wanted and allowed. */
export function useNotifications(openId: string | null): void {
  const client = useClient();
  const me = useMe();
  const t = useTranslations("message");
  const contentText = useContentText();

  // Browsers change their subscriptions, and each log-in has its own.
  useEffect(() => {
    // What does not work now is asked for at the next start.
    if (preferences.get().push) client.push.subscribe().catch(() => {});
  }, [client]);

  useEffect(() => {
    const shownAtMs = new Map<string, number>();
    return client.on("message", ({ conversationId, message }) => {
      if (
        !preferences.get().notifications ||
        typeof Notification === "undefined" ||
        Notification.permission !== "granted"
      )
        return;
      if (message.sender.id === me.id || message.system) return;
      if (document.visibilityState === "visible" && document.hasFocus() && conversationId === openId) return;
      // One tab of several tells.
      if (!client.connection.get().leader) return;
      const entry = client.conversations.get().find(({ id }) => id === conversationId);
      const nowMs = Date.now();
      if (
        !entry ||
        isMuted(entry, nowMs) ||
        nowMs - message.atMs > 60_000 ||
        nowMs - (shownAtMs.get(conversationId) ?? 0) < quietMs
      )
        return;
      shownAtMs.set(conversationId, nowMs);
      const direct = entry.kind === "direct";
      // Perhaps it is being read in another tab, or on another device.
      setTimeout(() => {
        const now = client.conversations.get().find(({ id }) => id === conversationId);
        if (!now || now.readSeq >= message.seq) return;
        void show(direct ? message.sender.username : entry.name, {
          body: direct
            ? contentText(message)
            : t("from", { name: message.sender.username, text: contentText(message) }),
          tag: `oort-${conversationId}`,
          icon: "/icons/icon-192.png",
          data: { conversation: conversationId },
        });
      }, readElsewhereMs);
    });
  }, [client, me.id, openId, t, contentText]);
}

async function show(title: string, options: NotificationOptions & { data: { conversation: string } }): Promise<void> {
  const body = options.body?.slice(0, 200);
  try {
    const notification = new Notification(title, { ...options, body });
    notification.onclick = () => {
      window.focus();
      navigate({ screen: "chat", conversation: options.data.conversation, info: false });
      notification.close();
    };
  } catch {
    // Phones show them through the service worker only.
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.showNotification(title, { ...options, body }).catch(() => {});
  }
}
