"use client";

import { RotateCw, Trash2 } from "lucide-react";
import { useTranslations } from "use-intl";
import type { Conversation, LogItem } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { useRefusalText } from "../refusal";

/** Says why a message was not sent, and what can be done about it. */
export default function Failed({
  item,
  conversation,
}: {
  item: LogItem & { kind: "pending" };
  conversation: Conversation;
}) {
  const t = useTranslations("message");
  const refusalText = useRefusalText();
  return (
    <div className="flex flex-wrap items-center justify-end gap-x-1 pt-1 text-danger text-sm">
      <span className="px-1 max-md:basis-full max-md:text-right">
        {t("notSent", { reason: item.error ? refusalText(item.error) : "" })}
      </span>
      <Button kind="quietDanger" small data-testid={testids.retry} onClick={() => conversation.retry(item.localId)}>
        <RotateCw aria-hidden="true" className="size-3.5" />
        {t("retry")}
      </Button>
      <Button kind="quietDanger" small data-testid={testids.discard} onClick={() => conversation.discard(item.localId)}>
        <Trash2 aria-hidden="true" className="size-3.5" />
        {t("discard")}
      </Button>
    </div>
  );
}
