"use client";

import { useCallback } from "react";
import { useTranslations } from "use-intl";
import type { Quote } from "@/lib/oort";

interface Content {
  content: string;
  contentKind?: Quote["contentKind"];
}

/** A message in one line: its text, or what it carries where it has none. */
export function useContentText(): (content: Content) => string {
  const t = useTranslations("kinds");
  return useCallback(
    ({ content, contentKind = "text" }) => {
      if (content !== "" && contentKind !== "system") return content;
      return contentKind === "text" || contentKind === "system" ? t("gone") : t(contentKind);
    },
    [t],
  );
}
