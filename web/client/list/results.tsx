"use client";

import { SearchX } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslations } from "use-intl";
import type { ConversationEntry, User } from "@/lib/oort";
import { matches } from "@/lib/rooms";
import { navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Empty } from "@/parts/empty";
import { Notice } from "@/parts/notice";
import { useRefusalText } from "../refusal";
import { FoundList } from "../search/found-list";
import { useSearch } from "../search/use-search";
import { useClient, useMe } from "../session";
import { useFoundUsers } from "../use-found-users";
import { Items } from "./items";

interface ResultsProps {
  query: string;
  entries: readonly ConversationEntry[];
  openId: string | null;
  onDone: () => void;
}

/** What is found: conversations by name, people one has none with yet, and messages by their words. */
export default function Results({ query, entries, openId, onDone }: ResultsProps) {
  const t = useTranslations("list");
  const me = useMe();
  const client = useClient();
  const refusalText = useRefusalText();
  const [error, setError] = useState<string | null>(null);
  const found = entries.filter((entry) => matches(entry.name, query));
  const peers = new Set(entries.map((entry) => entry.peerId));
  const { users, searching } = useFoundUsers(query);
  const search = useSearch(query);
  const people = users.filter((user) => user.id !== me.id && !peers.has(user.id));

  // Pages without a message may be followed by others.
  const hasMessages =
    search.state !== "idle" && (search.state !== "done" || search.results.length > 0 || search.hasMore);

  async function talkTo(user: User) {
    try {
      const { id } = await client.openDirect(user.id);
      navigate({ screen: "chat", conversation: id, info: false });
      onDone();
    } catch (refused) {
      setError(refusalText(refused));
    }
  }

  return (
    <>
      <p role="status" className="sr-only">
        {searching || search.state === "searching" || search.state === "slow"
          ? null
          : t("found", { count: found.length + people.length + search.results.length })}
      </p>
      <Notice>{error}</Notice>
      {found.length > 0 ? (
        <Section title={t("conversations")}>
          <Items entries={found} openId={openId} onOpen={onDone} />
        </Section>
      ) : null}
      {people.length > 0 ? (
        <Section title={t("people")}>
          {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
          <ul role="list">
            {people.map((user) => (
              <li key={user.id}>
                <button
                  type="button"
                  data-list-item
                  data-testid={testids.peopleResult}
                  data-user={user.id}
                  onClick={() => talkTo(user)}
                  className="flex h-13 w-full items-center gap-3 rounded-xl px-2 text-left hover:bg-hover focus-visible:-outline-offset-2"
                >
                  <Avatar id={user.id} name={user.username} size="sm" />
                  <bdi className="min-w-0 truncate font-medium">{user.username}</bdi>
                </button>
              </li>
            ))}
          </ul>
        </Section>
      ) : null}
      {hasMessages ? (
        <Section title={t("foundMessages")}>
          <FoundList search={search} entries={entries} />
        </Section>
      ) : null}
      {found.length + people.length === 0 && !searching && !hasMessages ? (
        <Empty icon={SearchX} title={t("nothingFound")}>
          <p>{t("nothingFoundHint")}</p>
        </Empty>
      ) : null}
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="pt-2">
      <h2 className="px-2 pb-1 font-medium text-muted text-xs">{title}</h2>
      {children}
    </section>
  );
}
