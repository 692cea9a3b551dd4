"use client";

import { useCallback } from "react";
import { useTranslations } from "use-intl";
import { refusalOf } from "@/lib/oort";

/** Says in the reader's language why something was refused; the server's own words for codes that have no translation. */
export function useRefusalText(): (error: unknown) => string {
  const t = useTranslations("refusal");
  return useCallback(
    (error) => {
      const { code, message, retryAfterMs } = refusalOf(error);
      const key = code as Parameters<typeof t>[0];
      const text = t.has(key) ? t(key, { message }) : `${message.charAt(0).toLocaleUpperCase()}${message.slice(1)}.`;
      return retryAfterMs && retryAfterMs > 1000
        ? `${text} ${t("retryIn", { seconds: Math.ceil(retryAfterMs / 1000) })}`
        : text;
    },
    [t],
  );
}
