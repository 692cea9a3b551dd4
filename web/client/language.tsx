"use client";

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { type AbstractIntlMessages, IntlProvider } from "use-intl";
import { type Locale, localeOf, preferences } from "@/lib/preferences";
import { useSaved } from "@/lib/saved";
import { Clock } from "@/lib/time";
import { Button } from "@/parts/button";

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
  const [attempt, setAttempt] = useState(0);
  const [failed, setFailed] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: words are what this makes.
  useEffect(() => {
    let wantedStill = true;
    const loading = first && locale === wanted() && !words && attempt === 0 ? first : load[locale]();
    setFailed(false);
    loading.then(
      ({ default: messages }) => {
        if (!wantedStill) return;
        document.documentElement.lang = tags[locale];
        setWords({ locale, messages: messages as AbstractIntlMessages });
      },
      () => wantedStill && setFailed(true),
    );
    return () => {
      wantedStill = false;
    };
  }, [locale, attempt]);

  const clock = useMemo(() => new Clock(tags[words?.locale ?? "en"]), [words?.locale]);
  if (!words) return failed ? <NoWords onAgain={() => setAttempt(attempt + 1)} /> : waiting;
  return (
    <IntlProvider locale={words.locale} messages={words.messages} timeZone={timeZone}>
      <ClockContext value={clock}>{children}</ClockContext>
    </IntlProvider>
  );
}

/** Says in all languages at once that the words of none are there. */
function NoWords({ onAgain }: { onAgain: () => void }) {
  return (
    <main role="alert" className="flex h-dvh flex-col items-center justify-center gap-4">
      This page could not be loaded. 无法加载此页面。
      <Button onClick={onAgain}>Try again 重试</Button>
    </main>
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
