"use client";

import { X } from "lucide-react";
import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { testids } from "@/lib/testids";
import { IconButton } from "./button";
import { cx } from "./cx";

interface DialogProps {
  title: string;
  /** Reads the way out of it. */
  closeLabel: string;
  onClose: () => void;
  /** As large as the screen. */
  wide?: boolean;
  children: ReactNode;
}

/**
 * The browser's own modal dialog: it keeps the focus inside, gives it back afterwards, and closes on Esc. Rendered = open.
 * No library does it without writing style elements, which the Content-Security-Policy forbids.
 */
export function Dialog({ title, closeLabel, onClose, wide, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();

  // Closed before it is taken off the page: only then the browser gives the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The browser takes what stands first, which is the way out; what is there to be typed in comes before it.
      dialog.querySelector<HTMLElement>("[data-focus-first]")?.focus();
    }
    return () => dialog?.close();
  }, []);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc does the same as a press on the backdrop.
    <dialog
      ref={ref}
      data-testid={testids.dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
      className={cx(
        "animate-appear flex-col overflow-hidden rounded-2xl border border-line bg-raised p-0 shadow-pop open:flex",
        wide
          ? "h-[calc(100dvh-1.5rem)] max-h-none w-[calc(100vw-1.5rem)] max-w-none"
          : "max-h-[min(42rem,92dvh)] w-[min(28rem,calc(100vw-1.5rem))]",
      )}
    >
      <header className="flex items-center justify-between gap-2 pt-3 pr-3 pl-5">
        <h2 id={titleId} className="min-w-0 truncate font-semibold text-lg">
          {title}
        </h2>
        <IconButton label={closeLabel} onClick={onClose}>
          <X className="size-4.5" />
        </IconButton>
      </header>
      <div className="flex min-h-0 flex-1 flex-col gap-4 px-5 pt-2 pb-5">{children}</div>
    </dialog>
  );
}
