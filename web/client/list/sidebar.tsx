"use client";

import { Hash, Keyboard, MessageCircle, Plus, Search, Settings, X } from "lucide-react";
import {
  type ComponentProps,
  type KeyboardEvent,
  lazy,
  Suspense,
  useDeferredValue,
  useMemo,
  useRef,
  useState,
} from "react";
import { useTranslations } from "use-intl";
import { sorted } from "@/lib/contacts";
import { keptOf } from "@/lib/kept";
import { parted } from "@/lib/rooms";
import { addressOf, navigate, useRoute } from "@/lib/routes";
import { useSaved } from "@/lib/saved";
import { useCalmStore, useStore } from "@/lib/store";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button, IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Empty } from "@/parts/empty";
import { Logo } from "@/parts/logo";
import { Tabs } from "@/parts/tabs";
import { lazyPart } from "../lazy-part";
import { OnIntent } from "../on-intent";
import { useClient, useConnection, useMe } from "../session";
import type { DialogName } from "../shell/shell";
import { useNow } from "../use-now";
import { Items } from "./items";
import { ListSkeleton } from "./skeleton";

const loadMenu = () => import("./new-menu");
const NewMenu = lazy(loadMenu);
const loadResults = () => import("./results");
const Results = lazyPart(loadResults);
const Contacts = lazyPart(() => import("../contacts/contacts"));

interface SidebarProps {
  openId: string | null;
  onDialog: (name: DialogName) => void;
  className: string;
}

export function Sidebar({ openId, onDialog, className }: SidebarProps) {
  const t = useTranslations("list");
  const client = useClient();
  const me = useMe();
  const entries = useCalmStore(client.conversations);
  const { state } = useConnection();
  const kept = keptOf(me.id);
  const { touched } = useSaved(kept);
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query.trim());
  const frame = useRef<HTMLElement>(null);
  const [tab, setTab] = useState<"mine" | "rooms" | "contacts">("mine");

  const touchedSet = useMemo(() => new Set(touched), [touched]);
  const { mine, rooms } = useMemo(() => parted(entries, me.id, touchedSet), [entries, me.id, touchedSet]);
  const unread = mine.reduce((sum, entry) => sum + entry.unread, 0);
  const shown = tab === "mine" ? mine : rooms;
  const loading = entries.length === 0 && (state === "connecting" || state === "syncing");

  /** Arrows go through whatever is listed, from the search field too. */
  const keys = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.nativeEvent.isComposing) return;
    if (event.key === "Escape" && query) {
      event.preventDefault();
      setQuery("");
      frame.current?.querySelector<HTMLElement>("[data-search]")?.focus();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const end = { Home: 0, End: -1 }[event.key];
    const inSearch = (event.target as HTMLElement).matches("[data-search]");
    if (step === undefined && (end === undefined || inSearch)) return;
    if (!inSearch && !(event.target as HTMLElement).matches("[data-list-item]")) return;
    const items = Array.from(frame.current?.querySelectorAll<HTMLElement>("[data-list-item]") ?? []);
    const at = items.indexOf(document.activeElement as HTMLElement);
    event.preventDefault();
    if (end !== undefined) items.at(end)?.focus();
    else if (at + (step ?? 0) < 0) frame.current?.querySelector<HTMLElement>("[data-search]")?.focus();
    else items[Math.min(items.length - 1, at + (step ?? 0))]?.focus();
  };

  return (
    <nav
      ref={frame}
      aria-label={t("label")}
      data-testid={testids.sidebar}
      onKeyDown={keys}
      className={cx("min-h-0 shrink-0 flex-col border-line bg-surface md:border-r", className)}
    >
      <header className="flex h-14 shrink-0 items-center gap-2 pr-2 pl-4">
        <Logo className="size-6 text-accent" />
        <p aria-hidden="true" className="flex-1 font-semibold text-lg tracking-tight">
          Oort
        </p>
        <OnIntent
          load={loadMenu}
          part={NewMenu}
          props={{ onDialog, trigger: <NewButton /> }}
          button={(press) => <NewButton aria-haspopup="menu" {...press} />}
        />
      </header>

      <div className="px-3 pb-2">
        <div className="relative">
          <Search
            aria-hidden="true"
            className="pointer-events-none absolute inset-y-0 left-2.5 my-auto size-4 text-muted"
          />
          <input
            data-search
            data-testid={testids.search}
            type="search"
            aria-label={t("search")}
            aria-keyshortcuts="Control+K Meta+K"
            placeholder={t("search")}
            value={query}
            maxLength={100}
            spellCheck={false}
            autoComplete="off"
            onFocus={() => void loadResults().catch(() => {})}
            onChange={(event) => setQuery(event.target.value)}
            className="h-9 w-full rounded-lg border border-transparent bg-sunken pr-9 pl-8.5 focus-visible:outline-offset-0 pointer-coarse:h-11"
          />
          {query ? (
            <IconButton label={t("clear")} onClick={() => setQuery("")} className="absolute top-0 right-0">
              <X className="size-4" />
            </IconButton>
          ) : (
            <span
              aria-hidden="true"
              className="pointer-events-none absolute top-2 right-2 rounded border border-line bg-surface px-1.5 font-sans text-muted text-xs pointer-coarse:hidden"
            >
              Ctrl K
            </span>
          )}
        </div>
      </div>

      {wanted ? (
        <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain px-2 pb-2">
          <Suspense fallback={<ListSkeleton />}>
            <Results query={wanted} entries={entries} openId={openId} onDone={() => setQuery("")} />
          </Suspense>
        </div>
      ) : (
        <Tabs
          label={t("label")}
          value={tab}
          onChange={setTab}
          tabs={[
            { value: "mine", label: <Counted label={t("mine")} count={unread} />, testid: testids.tabMine },
            { value: "rooms", label: t("rooms"), testid: testids.tabRooms },
            { value: "contacts", label: <ContactsLabel />, testid: testids.tabContacts },
          ]}
        >
          {tab === "contacts" ? (
            <Suspense fallback={<ListSkeleton />}>
              <Contacts onDialog={onDialog} />
            </Suspense>
          ) : loading ? (
            <ListSkeleton />
          ) : shown.length > 0 ? (
            <Items entries={shown} openId={openId} />
          ) : tab === "mine" ? (
            <Empty icon={MessageCircle} title={t("emptyMine")}>
              <p>{t("emptyMineHint")}</p>
              <Button kind="primary" small onClick={() => onDialog("direct")}>
                {t("newDirect")}
              </Button>
            </Empty>
          ) : (
            <Empty icon={Hash} title={t("emptyRooms")}>
              <p>{t("emptyRoomsHint")}</p>
              <Button small onClick={() => onDialog("room")}>
                {t("newRoom")}
              </Button>
            </Empty>
          )}
        </Tabs>
      )}

      <Footer onDialog={onDialog} />
    </nav>
  );
}

function NewButton(props: Partial<ComponentProps<typeof IconButton>>) {
  const t = useTranslations("list");
  return (
    <IconButton label={t("new")} data-testid={testids.newMenu} {...props}>
      <Plus className="size-5" />
    </IconButton>
  );
}

/** Says how many wait for an answer. */
function ContactsLabel() {
  const t = useTranslations("list");
  const all = useStore(useClient().contacts.all);
  const now = useNow();
  const count = useMemo(() => (all ? sorted(all.values(), now).asking.length : 0), [all, now]);
  return (
    <>
      {t("contacts")}
      {count > 0 ? (
        <span className="text-accent tabular-nums">
          {count > 99 ? "99+" : count}
          <span className="sr-only"> {t("requestCount", { count })}</span>
        </span>
      ) : null}
    </>
  );
}

function Counted({ label, count }: { label: string; count: number }) {
  const t = useTranslations("list");
  return (
    <>
      {label}
      {count > 0 ? (
        <span className="text-accent tabular-nums">
          {count > 99 ? "99+" : count}
          <span className="sr-only"> {t("unreadCount", { count })}</span>
        </span>
      ) : null}
    </>
  );
}

/** Who one is, and how the connection does. */
function Footer({ onDialog }: { onDialog: (name: DialogName) => void }) {
  const t = useTranslations("list");
  const tc = useTranslations("connection");
  const me = useMe();
  const { state } = useConnection();
  const route = useRoute();
  const inSettings = route?.screen === "settings";
  return (
    <footer className="safe-bottom flex shrink-0 items-center gap-2.5 border-line border-t px-3 pt-2.5">
      <Avatar id={me.id} name={me.username} size="sm" />
      <div className="min-w-0 flex-1 leading-tight">
        <p data-testid={testids.myName} className="truncate font-medium text-sm">
          <bdi>{me.username}</bdi>
        </p>
        <p data-testid={testids.connection} data-state={state} className="flex items-center gap-1.5 text-muted text-xs">
          <span
            aria-hidden="true"
            className={cx(
              "size-2 rounded-full",
              state === "online" ? "bg-ok" : "bg-warn",
              state !== "online" && state !== "offline" && "animate-pulse",
            )}
          />
          {tc(`short.${state}`)}
        </p>
      </div>
      <IconButton label={t("keys")} onClick={() => onDialog("keys")} className="pointer-coarse:hidden">
        <Keyboard className="size-4.5" />
      </IconButton>
      <a
        href={addressOf({ screen: "settings" })}
        data-testid={testids.settingsLink}
        aria-label={t("settings")}
        title={t("settings")}
        aria-current={inSettings ? "page" : undefined}
        onClick={(event) => {
          event.preventDefault();
          navigate({ screen: "settings" });
        }}
        className="flex size-9 shrink-0 items-center justify-center rounded-lg text-muted transition-colors hover:bg-hover hover:text-text aria-[current]:bg-accent-soft aria-[current]:text-accent-text pointer-coarse:size-11"
      >
        <Settings className="size-4.5" />
      </a>
    </footer>
  );
}
