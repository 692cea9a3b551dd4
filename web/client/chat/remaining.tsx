"use client";

import { Timer } from "lucide-react";
import { useLocale, useTranslations } from "use-intl";
import { remainingOf } from "@/lib/remaining";
import { testids } from "@/lib/testids";
import { useNow } from "../use-now";

/** How long a message is still shown. */
export function Remaining({ untilMs }: { untilMs: number }) {
  const t = useTranslations("message");
  const locale = useLocale();
  const { count, unit } = remainingOf(untilMs - useNow(1000));
  const format = (unitDisplay: "narrow" | "long") =>
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay }).format(count);
  const text = t("remaining", { time: format("long") });
  return (
    <span data-testid={testids.messageRemaining} title={text} className="inline-flex items-center gap-0.5">
      <Timer aria-hidden="true" className="size-3.5" />
      <span aria-hidden="true">{format("narrow")}</span>
      <span className="sr-only">{text}</span>
    </span>
  );
}
