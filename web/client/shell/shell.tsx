"use client";

import { Suspense, useEffect, useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import { invitation } from "@/lib/invitation";
import { navigate, type Route } from "@/lib/routes";
import { useSaved } from "@/lib/saved";
import { useCalmStore } from "@/lib/store";
import { cx } from "@/parts/cx";
import { Chat } from "../chat/chat";
import { NoChat } from "../chat/no-chat";
import { lazyPart, lazyWindow } from "../lazy-part";
import { Sidebar } from "../list/sidebar";
import { useClient } from "../session";
import { useMedia, wideScreen } from "../use-media";
import { ConnectionBar } from "./connection-bar";
import { detailsOpen } from "./details-open";
import { useNotifications } from "./notifications";
import { useShortcuts } from "./shortcuts";
import { useTitle } from "./title";
import { Troubles } from "./troubles";

const Settings = lazyPart(() => import("../settings/settings"));
const Details = lazyPart(() => import("../details/details"));
const Dialogs = lazyWindow(() => import("../dialogs/dialogs"));
const JoinDialog = lazyWindow(() => import("../dialogs/join"));

export type DialogName = "direct" | "group" | "room" | "contact" | "keys";

/** The frame of everything behind the log-in: the list, what is open, and what is to be known of it. One column on a phone. */
export default function Shell({ route }: { route: Route & { screen: "chat" | "settings" } }) {
  const t = useTranslations("shell");
  const client = useClient();
  const entries = useCalmStore(client.conversations);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const [invited, setInvited] = useState(() => invitation.get());
  const wide = useMedia(wideScreen);
  const detailsWanted = useSaved(detailsOpen);

  const openId = route.screen === "chat" ? route.conversation : null;
  const entry = useMemo(() => entries.find(({ id }) => id === openId), [entries, openId]);
  const info = route.screen === "chat" && entry !== undefined && (wide ? detailsWanted : route.info);
  const nothingOpen = route.screen === "chat" && !openId;

  useTitle(entries);
  useNotifications(openId);
  useShortcuts({ openId, onDialog: setDialog });

  // A conversation was left, or the info of one was open where there is no room for it beside.
  useEffect(() => {
    if (wide && route.screen === "chat" && route.info)
      navigate({ screen: "chat", conversation: route.conversation, info: false }, "replace");
  }, [wide, route]);

  const toggleDetails = () => {
    if (wide) detailsOpen.set(!detailsWanted);
    else if (openId) navigate({ screen: "chat", conversation: openId, info: !info }, info ? "replace" : "push");
  };

  return (
    <div className="flex h-dvh flex-col bg-surface">
      <a
        href="#content"
        className="sr-only rounded-lg bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50"
      >
        {t("skip")}
      </a>
      <ConnectionBar />
      <main className="flex min-h-0 flex-1">
        <h1 className="sr-only">Oort</h1>
        <Sidebar
          openId={openId}
          onDialog={setDialog}
          className={cx("w-full md:w-80", nothingOpen ? "flex" : "hidden md:flex")}
        />
        <div
          id="content"
          tabIndex={-1}
          className={cx(
            "min-w-0 flex-1 bg-bg outline-none",
            nothingOpen || (info && !wide) ? "hidden md:flex" : "flex",
          )}
        >
          {route.screen === "settings" ? (
            <Suspense fallback={null}>
              <Settings onDialog={setDialog} />
            </Suspense>
          ) : openId ? (
            <Chat
              key={openId}
              id={openId}
              entry={entry}
              at={route.screen === "chat" ? route.at : undefined}
              detailsShown={info}
              onToggleDetails={toggleDetails}
            />
          ) : (
            <NoChat onDialog={setDialog} />
          )}
        </div>
        {info && entry ? (
          <Suspense fallback={null}>
            <Details
              key={entry.id}
              entry={entry}
              onClose={toggleDetails}
              className={cx("w-full md:w-72", wide ? "" : "md:absolute md:inset-y-0 md:right-0 md:z-20 md:shadow-pop")}
            />
          </Suspense>
        ) : null}
      </main>
      <Troubles />
      {invited ? (
        <Suspense fallback={null}>
          <JoinDialog
            token={invited}
            onClose={() => {
              invitation.keep(null);
              setInvited(null);
            }}
          />
        </Suspense>
      ) : null}
      {dialog ? (
        <Suspense fallback={null}>
          <Dialogs name={dialog} onClose={() => setDialog(null)} />
        </Suspense>
      ) : null}
    </div>
  );
}
