"use client";

import { Search, SearchX } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { ConversationEntry } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { cx } from "@/parts/cx";
import { Dialog } from "@/parts/dialog";
import { Empty } from "@/parts/empty";
import { inputClass } from "@/parts/field";
import { FoundList } from "./found-list";
import { useSearch } from "./use-search";

/** Looks for messages in one conversation. */
export default function SearchDialog({ entry, onClose }: { entry: ConversationEntry; onClose: () => void }) {
  const t = useTranslations("search");
  const td = useTranslations("dialogs");
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query.trim());
  const search = useSearch(wanted, entry.id);
  const frame = useRef<HTMLDivElement>(null);
  const isEmpty = search.state === "done" && search.results.length === 0;

  /** Arrows go from the field through what was found, and back. */
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.nativeEvent.isComposing) {
      // The browser would empty the field first.
      event.preventDefault();
      return onClose();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || event.nativeEvent.isComposing) return;
    const items = Array.from(frame.current?.querySelectorAll<HTMLElement>("[data-list-item]") ?? []);
    const next = items.indexOf(document.activeElement as HTMLElement) + step;
    event.preventDefault();
    if (next < 0) frame.current?.querySelector("input")?.focus();
    else items[Math.min(items.length - 1, next)]?.focus();
  };

  return (
    <Dialog title={t("inTitle", { name: entry.name })} closeLabel={td("close")} onClose={onClose}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it hears of keys that are pressed in what is in it. */}
      <div ref={frame} onKeyDown={keys} className="flex min-h-0 flex-col gap-2">
        <div className="relative shrink-0">
          <Search
            aria-hidden="true"
            className="pointer-events-none absolute inset-y-0 left-3 my-auto size-4 text-muted"
          />
          <input
            type="search"
            data-focus-first
            data-testid={testids.searchHereField}
            aria-label={t("words")}
            placeholder={t("words")}
            value={query}
            maxLength={100}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setQuery(event.target.value)}
            className={cx(inputClass, "pl-9")}
          />
        </div>
        <div className="-mx-2 flex h-[60dvh] min-h-24 flex-col overflow-y-auto overscroll-contain">
          <p role="status" className="sr-only">
            {search.state === "done" ? t("found", { count: search.results.length }) : null}
          </p>
          {isEmpty ? (
            <Empty icon={SearchX} title={t("nothing")}>
              <p>{t("nothingHint")}</p>
            </Empty>
          ) : search.state === "idle" ? (
            <p className="px-2 py-3 text-muted text-sm">{t("hint")}</p>
          ) : null}
          <FoundList search={search} entries={[entry]} within onOpen={onClose} />
        </div>
      </div>
    </Dialog>
  );
}
