"use client";

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { type AbstractIntlMessages, IntlProvider } from "use-intl";
import { type Locale, localeOf, preferences } from "@/lib/preferences";
import { useSaved } from "@/lib/saved";
import { Clock } from "@/lib/time";

const tags: Record<Locale, string> = { en: "en-GB", zh: "zh-CN" };

const ClockContext = createContext(new Clock(tags.en));

type Load = Record<Locale, () => Promise<{ default: unknown }>>;

/** The texts of a page, in each language. */
export interface Words {
  load: Load;
  first: ReturnType<Load[Locale]> | undefined;
}

/** Loading begins with the script, not with the first drawing. */
export function wordsOf(load: Load): Words {
  return { load, first: typeof window === "undefined" ? undefined : load[wanted()]() };
}

function wanted(): Locale {
  return localeOf(preferences.get().language, navigator.languages);
}

/** Speaks the reader's language. `waiting` is shown until its words are there. */
export function LanguageProvider({
  words: { load, first },
  children,
  waiting,
}: {
  words: Words;
  children: ReactNode;
  waiting: ReactNode;
}) {
  const locale = localeOf(useSaved(preferences).language, useBrowserLanguages());
  const [words, setWords] = useState<{ locale: Locale; messages: AbstractIntlMessages }>();
  const [failed, setFailed] = useState<unknown>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: words are what this makes.
  useEffect(() => {
    let wantedStill = true;
    const loading = first && locale === wanted() && !words ? first : load[locale]();
    loading.then(
      ({ default: messages }) => {
        if (!wantedStill) return;
        document.documentElement.lang = tags[locale];
        setWords({ locale, messages: messages as AbstractIntlMessages });
      },
      (error) => wantedStill && setFailed(error),
    );
    return () => {
      wantedStill = false;
    };
  }, [locale]);

  const clock = useMemo(() => new Clock(tags[words?.locale ?? "en"]), [words?.locale]);
  if (!words) {
    // Only the last resort (app/global-error.tsx) says something without words, in all languages at once.
    if (failed) throw failed;
    return waiting;
  }
  return (
    <IntlProvider locale={words.locale} messages={words.messages} timeZone={timeZone}>
      <ClockContext value={clock}>{children}</ClockContext>
    </IntlProvider>
  );
}

const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function useClock(): Clock {
  return useContext(ClockContext);
}

function useBrowserLanguages(): readonly string[] {
  const joined = useSyncExternalStore(
    subscribeLanguages,
    () => navigator.languages.join(),
    () => "",
  );
  return joined.split(",");
}

function subscribeLanguages(changed: () => void): () => void {
  addEventListener("languagechange", changed);
  return () => removeEventListener("languagechange", changed);
}
