"use client";

import { RotateCw } from "lucide-react";
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import { pictureOf } from "@/lib/attachments";
import { excerpt } from "@/lib/excerpt";
import { type ConversationEntry, type FoundMessage, refusalOf } from "@/lib/oort";
import { addressOf, navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button } from "@/parts/button";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { useClock } from "../language";
import { useRefusalText } from "../refusal";
import { useMe } from "../session";
import { useNow } from "../use-now";
import type { useSearch } from "./use-search";

interface FoundListProps {
  search: ReturnType<typeof useSearch>;
  entries: readonly ConversationEntry[];
  /** All are of one conversation: its name need not be said. */
  within?: boolean;
  onOpen?: () => void;
}

/** Messages that were found; a press opens the conversation there. */
export function FoundList({ search, entries, within, onOpen }: FoundListProps) {
  const t = useTranslations("search");
  const refusalText = useRefusalText();
  const now = useNow(60_000);
  const { results, state, error, hasMore, more, again } = search;
  const byId = useMemo(() => new Map(entries.map((entry) => [entry.id, entry])), [entries]);
  const searching = state === "searching" || state === "slow";
  return (
    <>
      {results.length > 0 ? (
        // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
        <ul role="list" data-testid={testids.foundMessages}>
          {results.map((found) => (
            <Found
              key={`${found.conversationId} ${found.message.seq}`}
              found={found}
              entry={byId.get(found.conversationId)}
              within={within === true}
              now={now}
              onOpen={onOpen}
            />
          ))}
        </ul>
      ) : null}
      <div role="status" className="empty:hidden">
        {searching ? (
          <p data-testid={testids.searching} className="flex items-center gap-2 px-2 py-3 text-muted text-sm">
            <Spinner />
            {t(state === "slow" ? "slow" : "searching")}
          </p>
        ) : null}
      </div>
      {state === "refused" ? (
        <div className="flex flex-col items-start gap-2 p-2">
          <Notice testid={testids.searchRefused}>
            {refusalOf(error).code === "invalid_field" ? t("tooMuch") : refusalText(error)}
          </Notice>
          <Button small data-testid={testids.searchAgain} onClick={again}>
            <RotateCw aria-hidden="true" className="size-4" />
            {t("again")}
          </Button>
        </div>
      ) : null}
      {hasMore && !searching ? (
        <Button kind="quiet" small data-testid={testids.searchMore} onClick={more} className="mt-1 w-full">
          {t("more")}
        </Button>
      ) : null}
    </>
  );
}

interface FoundProps {
  found: FoundMessage;
  entry: ConversationEntry | undefined;
  within: boolean;
  now: number;
  onOpen?: () => void;
}

function Found({ found, entry, within, now, onOpen }: FoundProps) {
  const t = useTranslations("search");
  const clock = useClock();
  const me = useMe();
  const { conversationId, message, ranges } = found;
  const sender = message.sender.id === me.id ? t("you") : message.sender.username;
  const place = { screen: "chat", conversation: conversationId, info: false, at: message.seq } as const;
  const title = within ? sender : (entry?.name ?? t("elsewhere"));
  // Between two people it is said by the name of the conversation, unless it is oneself.
  const said = within || (entry?.kind === "direct" && message.sender.id !== me.id) ? null : sender;
  return (
    <li className="lazy-item">
      <a
        href={addressOf(place)}
        data-list-item
        data-testid={testids.foundMessage}
        data-conversation-of={conversationId}
        data-found-seq={message.seq}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          navigate(place);
          onOpen?.();
        }}
        className="flex min-h-16 items-start gap-3 rounded-xl px-2 py-2 transition-colors hover:bg-hover focus-visible:-outline-offset-2"
      >
        {within ? (
          <Avatar id={message.sender.id} name={message.sender.username} size="sm" />
        ) : (
          <Avatar
            id={entry?.peerId ?? conversationId}
            name={entry?.name ?? "?"}
            kind={entry?.kind ?? "group"}
            picture={pictureOf(entry?.avatar, location.origin)}
            size="sm"
          />
        )}
        <span className="flex min-w-0 flex-1 flex-col">
          <span className="flex items-baseline gap-2">
            <bdi className="min-w-0 truncate font-medium">{title}</bdi>
            <time
              dateTime={new Date(message.atMs).toISOString()}
              title={clock.full(message.atMs)}
              className="ml-auto shrink-0 text-muted text-xs tabular-nums"
            >
              {clock.brief(message.atMs, now)}
            </time>
          </span>
          <span dir="auto" className="line-clamp-2 text-muted text-sm [overflow-wrap:anywhere]">
            {said ? <bdi>{t("said", { name: said })}</bdi> : null}
            {excerpt(message.content, ranges).map(({ text, found: isFound }, at) =>
              isFound ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: its pieces do not change places.
                <mark key={at} className="rounded-sm bg-accent-soft font-medium text-accent-text">
                  {text}
                </mark>
              ) : (
                text
              ),
            )}
          </span>
        </span>
      </a>
    </li>
  );
}
