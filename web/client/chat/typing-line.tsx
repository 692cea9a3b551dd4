"use client";

import { useTranslations } from "use-intl";
import type { Store, User } from "@/lib/oort";
import { useStore } from "@/lib/store";
import { testids } from "@/lib/testids";

/** Who is writing. Has its place always, so that nothing jumps. */
export function TypingLine({ typing, me }: { typing: Store<readonly User[]>; me: string }) {
  const t = useTranslations("chat");
  const names = useStore(typing)
    .filter((user) => user.id !== me)
    .map((user) => user.username);
  const [first = "", second = ""] = names;
  const text =
    names.length === 0
      ? ""
      : names.length === 1
        ? t("typingOne", { name: first })
        : names.length === 2
          ? t("typingTwo", { first, second })
          : t("typingMany", { count: names.length });
  return (
    <p
      data-testid={testids.typingLine}
      className="flex h-5 shrink-0 items-center gap-2 truncate px-5 text-muted text-xs"
    >
      {text ? (
        <>
          <span aria-hidden="true" className="flex gap-0.5">
            <span className="size-1 animate-bounce rounded-full bg-current" />
            <span className="size-1 animate-bounce rounded-full bg-current [animation-delay:120ms]" />
            <span className="size-1 animate-bounce rounded-full bg-current [animation-delay:240ms]" />
          </span>
          {text}
        </>
      ) : null}
    </p>
  );
}
