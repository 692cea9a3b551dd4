"use client";

import { Forward } from "lucide-react";
import { useContext } from "react";
import { useTranslations } from "use-intl";
import type { Quote, User } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { useContentText } from "../content-text";
import { ActionsContext } from "./actions-context";

/** The message that another one answers; a press shows it. */
export function QuoteLine({ quote }: { quote: Quote }) {
  const t = useTranslations("message");
  const contentText = useContentText();
  const { jump } = useContext(ActionsContext);
  const sender = quote.sender?.username ?? "";
  return (
    <button
      type="button"
      data-testid={testids.quote}
      data-quoted={quote.seq}
      onClick={() => jump(quote.seq)}
      className="mb-1 flex w-full min-w-32 flex-col rounded-md border-accent border-l-2 bg-sunken px-2 py-1 text-left text-sm hover:bg-hover"
    >
      <span className="sr-only">{t("quoted")} </span>
      <bdi className="max-w-full truncate font-medium text-accent-text text-xs">{sender}</bdi>
      <span dir="auto" className="line-clamp-2 text-muted [overflow-wrap:anywhere]">
        {contentText(quote)}
      </span>
    </button>
  );
}

/** Who wrote a message that was sent on. */
export function Forwarded({ by }: { by: User }) {
  const t = useTranslations("message");
  return (
    <span data-testid={testids.forwardedFrom} className="flex items-center gap-1 pb-0.5 text-muted text-xs">
      <Forward aria-hidden="true" className="size-3.5" />
      {t("forwarded", { name: by.username })}
    </span>
  );
}
