"use client";

import { Check, Search, X } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { User } from "@/lib/oort";
import { useCalmStore } from "@/lib/store";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { cx } from "@/parts/cx";
import { inputClass } from "@/parts/field";
import { Spinner } from "@/parts/spinner";
import { useClient, useMe } from "../session";
import { useFoundUsers } from "../use-found-users";

interface ChoosePeopleProps {
  chosen: readonly User[];
  onChange: (chosen: readonly User[]) => void;
  /** Ids of people that are not offered. */
  without?: readonly string[];
  /** One is enough: choosing is the answer. */
  onPick?: (user: User) => void;
  /** Something before it wants to be filled in first. */
  second?: boolean;
}

/** Finds people by the beginning of their name. Before anything is typed: those one talks with. */
export function ChoosePeople({ chosen, onChange, without = [], onPick, second }: ChoosePeopleProps) {
  const t = useTranslations("dialogs");
  const client = useClient();
  const me = useMe();
  const [query, setQuery] = useState("");
  const { users, searching } = useFoundUsers(query.trim());
  const entries = useCalmStore(client.conversations);
  const frame = useRef<HTMLDivElement>(null);

  const known: User[] = entries
    .flatMap(({ peerId, name }) => (peerId ? [{ id: peerId, username: name }] : []))
    .slice(0, 8);
  const offered = (query.trim() ? users : known).filter(({ id }) => id !== me.id && !without.includes(id));
  const isChosen = (user: User) => chosen.some(({ id }) => id === user.id);

  function pick(user: User) {
    if (onPick) return onPick(user);
    onChange(isChosen(user) ? chosen.filter(({ id }) => id !== user.id) : [...chosen, user]);
  }

  function keys(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const items = Array.from(frame.current?.querySelectorAll<HTMLElement>("[data-person]") ?? []);
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (step !== undefined) {
      event.preventDefault();
      if (at + step < 0) frame.current?.querySelector("input")?.focus();
      else items[Math.min(items.length - 1, at + step)]?.focus();
    } else if (event.key === "Enter" && at < 0) {
      event.preventDefault();
      const exact = offered.find(({ username }) => username.toLowerCase() === query.trim().toLowerCase()) ?? offered[0];
      if (exact && !searching) {
        pick(exact);
        setQuery("");
      }
    } else if (event.key === "Backspace" && at < 0 && query === "" && chosen.length > 0) {
      onChange(chosen.slice(0, -1));
    }
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows go through the controls inside.
    <div ref={frame} onKeyDown={keys} className="flex min-h-0 flex-col gap-2">
      {chosen.length > 0 ? (
        // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
        <ul role="list" aria-label={t("chosen")} className="flex max-h-24 flex-wrap gap-1.5 overflow-y-auto">
          {chosen.map((user) => (
            <li key={user.id}>
              <button
                type="button"
                data-testid={testids.chosenUser}
                data-user={user.id}
                aria-label={t("unchoose", { name: user.username })}
                onClick={() => onChange(chosen.filter(({ id }) => id !== user.id))}
                className="flex h-7 items-center gap-1 rounded-full bg-accent-soft pr-1.5 pl-2.5 text-accent-text text-sm pointer-coarse:h-9"
              >
                <bdi className="max-w-40 truncate">{user.username}</bdi>
                <X aria-hidden="true" className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      ) : null}
      <div className="relative">
        <Search
          aria-hidden="true"
          className="pointer-events-none absolute inset-y-0 left-3 my-auto size-4 text-muted"
        />
        <input
          type="search"
          data-testid={testids.userSearch}
          aria-label={t("findPeople")}
          placeholder={t("findPeople")}
          value={query}
          maxLength={100}
          spellCheck={false}
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: the dialog is there for it.
          autoFocus={!second}
          onChange={(event) => setQuery(event.target.value)}
          className={cx(inputClass, "pl-9")}
        />
        {searching ? <Spinner className="absolute top-3 right-3" /> : null}
      </div>
      <div className="h-60 min-h-24 overflow-y-auto overscroll-contain">
        {!query.trim() && offered.length > 0 ? (
          <p className="px-2 py-1 font-medium text-muted text-xs">{t("known")}</p>
        ) : null}
        {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
        <ul role="list">
          {offered.map((user) => (
            <li key={user.id}>
              <button
                type="button"
                data-person
                data-testid={testids.userResult}
                data-user={user.id}
                aria-pressed={onPick ? undefined : isChosen(user)}
                onClick={() => pick(user)}
                className="flex h-11 w-full items-center gap-3 rounded-lg px-2 text-left hover:bg-hover focus-visible:-outline-offset-2"
              >
                <Avatar id={user.id} name={user.username} size="sm" />
                <bdi className="min-w-0 flex-1 truncate">{user.username}</bdi>
                {isChosen(user) ? <Check aria-hidden="true" className="size-4.5 text-accent" /> : null}
              </button>
            </li>
          ))}
        </ul>
        {offered.length === 0 && !searching ? (
          <p role="status" className="px-2 py-6 text-center text-muted text-sm">
            {t(query.trim() ? "nobody" : "typeName")}
          </p>
        ) : null}
      </div>
    </div>
  );
}
