"use client";

import { CircleAlert, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { IconButton } from "@/parts/button";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

/** One trouble is told for this long; a new one takes its place. */
const shownMs = 8000;

/** What went wrong and nobody waits to be told: said once, in a corner. */
export function Troubles() {
  const client = useClient();
  const t = useTranslations("dialogs");
  const refusalText = useRefusalText();
  const [text, setText] = useState<string | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = client.on("error", (error) => {
      setText(refusalText(error));
      clearTimeout(timer);
      timer = setTimeout(() => setText(null), shownMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [client, refusalText]);

  return (
    <div role="status" className="pointer-events-none fixed inset-x-0 top-3 z-40 flex justify-center px-3">
      {text ? (
        <div
          data-testid={testids.trouble}
          className="pointer-events-auto flex max-w-md animate-appear items-center gap-2 rounded-xl border border-line bg-raised py-1 pr-1 pl-3 shadow-pop"
        >
          <CircleAlert aria-hidden="true" className="size-4.5 shrink-0 text-danger" />
          <p className="min-w-0 flex-1 text-sm">{text}</p>
          <IconButton label={t("close")} onClick={() => setText(null)}>
            <X className="size-4" />
          </IconButton>
        </div>
      ) : null}
    </div>
  );
}
