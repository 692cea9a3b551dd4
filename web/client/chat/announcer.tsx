"use client";

import { useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { LogItem, Message } from "@/lib/oort";
import { nowOf } from "@/lib/shown";
import { useContentText } from "../content-text";
import { useClient, useMe } from "../session";
import { useSystemText } from "../system-text";

/** What comes within this time is told together: a busy room would never stop talking. */
const gatherMs = 1000;

/** Tells new messages of the open conversation to those who listen instead of look. */
export function Announcer({ id, items }: { id: string; items: readonly LogItem[] }) {
  const client = useClient();
  const me = useMe();
  const t = useTranslations("message");
  const systemText = useSystemText();
  const contentText = useContentText();
  const [said, setSaid] = useState<{ text: string; of?: Message }>({ text: "" });
  const gathered = useRef<Message[]>([]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = client.on("message", ({ conversationId, message }) => {
      if (conversationId !== id || message.sender.id === me.id) return;
      gathered.current.push(message);
      timer ??= setTimeout(() => {
        timer = undefined;
        const messages = gathered.current;
        gathered.current = [];
        const [only] = messages;
        if (!only) return;
        if (messages.length > 1) setSaid({ text: t("newCount", { count: messages.length }) });
        else
          setSaid({
            text: only.system
              ? systemText(only)
              : t("from", { name: only.sender.username, text: contentText(only).slice(0, 300) }),
            of: only,
          });
      }, gatherMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
      gathered.current = [];
    };
  }, [client, id, me.id, t, systemText, contentText]);

  // What it was said of may be gone, or have another text by now.
  const isSo = !said.of || nowOf(said.of, items)?.content === said.of.content;
  return (
    <p aria-live="polite" className="sr-only">
      {isSo ? said.text : null}
    </p>
  );
}
