"use client";

import { CloudOff, RefreshCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { useConnection } from "../session";
import { useNow } from "../use-now";

/** A short break is nobody's business: it is told when it has lasted this long. */
const tellAfterMs = 800;

/** Says plainly, over everything, that there is no connection and what that means. */
export function ConnectionBar() {
  const { state, retryAtMs } = useConnection();
  const t = useTranslations("connection");
  const [told, setTold] = useState(false);
  const broken = state !== "online" && state !== "unauthenticated";

  useEffect(() => {
    if (!broken) {
      setTold(false);
      return;
    }
    const timer = setTimeout(() => setTold(true), tellAfterMs);
    return () => clearTimeout(timer);
  }, [broken]);

  const away = state === "offline" || state === "waiting";
  const Icon = away ? CloudOff : RefreshCw;
  return (
    <div role="status" className="empty:hidden">
      {told && broken ? (
        <p
          data-testid={testids.connectionBar}
          data-state={state}
          className="flex min-h-9 animate-appear items-center justify-center gap-2 border-line border-b bg-warn-soft px-4 py-1.5 text-center text-sm text-warn"
        >
          <Icon aria-hidden="true" className="size-4 shrink-0" />
          <span>
            {t(`long.${state as "offline" | "waiting" | "connecting" | "syncing"}`)}{" "}
            {state === "waiting" && retryAtMs ? <Countdown atMs={retryAtMs} /> : null}
          </span>
        </p>
      ) : null}
    </div>
  );
}

function Countdown({ atMs }: { atMs: number }) {
  const t = useTranslations("connection");
  const seconds = Math.ceil((atMs - useNow(1000)) / 1000);
  // Not read aloud each second.
  return (
    <span aria-hidden="true" className="tabular-nums">
      {seconds > 0 ? t("retryIn", { seconds }) : t("retrying")}
    </span>
  );
}
