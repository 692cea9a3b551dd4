"use client";

import { useCallback } from "react";
import { useTranslations } from "use-intl";
import { refusalOf } from "@/lib/oort";
import { useRefusalText } from "../refusal";

/** Says why a file was refused: what is said of messages does not fit files. */
export function useFileRefusal(): (error: unknown) => string {
  const t = useTranslations("files.refused");
  const refusalText = useRefusalText();
  return useCallback(
    (error) => {
      const { code } = refusalOf(error);
      return code === "too_large" || code === "limit_reached" || code === "not_found" || code === "invalid_field"
        ? t(code)
        : refusalText(error);
    },
    [t, refusalText],
  );
}
