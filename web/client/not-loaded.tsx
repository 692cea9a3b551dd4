"use client";

import { X } from "lucide-react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { Button, IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";

interface NotLoadedNoteProps {
  onAgain: () => void;
  /** It stands over the page, and can be put away. */
  onClose?: () => void;
}

/** Stands where a part of the page would be that did not come. */
export function NotLoadedNote({ onAgain, onClose }: NotLoadedNoteProps) {
  const t = useTranslations("shell");
  const td = useTranslations("dialogs");
  return (
    <div
      role="alert"
      data-testid={testids.notLoaded}
      className={cx(
        "flex items-center gap-2 text-sm",
        onClose
          ? "fixed inset-x-3 top-3 z-40 mx-auto w-fit rounded-xl border border-line bg-raised py-1 pr-1 pl-3 shadow-pop"
          : "m-auto flex-wrap justify-center p-3",
      )}
    >
      {t("notLoaded")}
      <Button small data-testid={testids.loadAgain} onClick={onAgain}>
        {t("again")}
      </Button>
      {onClose ? (
        <IconButton label={td("close")} onClick={onClose}>
          <X className="size-4" />
        </IconButton>
      ) : null}
    </div>
  );
}
