"use client";

import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";

interface NotLoadedNoteProps {
  onAgain: () => void;
  /** It stands over the page, and can be put away. */
  onClose?: () => void;
}

// Plain: this is in all that is loaded first, what buttons look like is not.
const pressable = "min-h-11 px-2 font-medium text-accent";

/** Stands where a part of the page would be that did not come. */
export function NotLoadedNote({ onAgain, onClose }: NotLoadedNoteProps) {
  const t = useTranslations("shell");
  return (
    <div
      role="alert"
      data-testid={testids.notLoaded}
      className={`text-sm ${onClose ? "fixed inset-x-3 top-3 z-40 mx-auto w-fit rounded-xl border border-line bg-raised px-3 shadow-pop" : "m-auto p-3"}`}
    >
      {t("notLoaded")}
      <button type="button" data-testid={testids.loadAgain} onClick={onAgain} className={pressable}>
        {t("again")}
      </button>
      {onClose ? (
        <button type="button" onClick={onClose} className={pressable}>
          {t("putAway")}
        </button>
      ) : null}
    </div>
  );
}
