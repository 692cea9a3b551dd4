"use client";

import { useTranslations } from "use-intl";
import type { LogView } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Spinner } from "@/parts/spinner";
import { useConnection } from "../session";

/** Messages that are known to exist are not here yet: said, rather than hidden. */
export function GapBar({ gap }: { gap: NonNullable<LogView["gap"]> }) {
  const t = useTranslations("chat");
  const { state } = useConnection();
  const count = gap.toSeq - gap.fromSeq + 1;
  return (
    <div role="status" className="shrink-0 px-4 pb-1">
      <p
        data-testid={testids.gapBar}
        data-from={gap.fromSeq}
        data-to={gap.toSeq}
        className="flex items-center justify-center gap-2 rounded-lg bg-warn-soft px-3 py-1.5 text-center text-sm text-warn"
      >
        {state === "online" ? <Spinner className="size-3.5" /> : null}
        {t(state === "online" ? "gapLoading" : "gapOffline", { count })}
      </p>
    </div>
  );
}
