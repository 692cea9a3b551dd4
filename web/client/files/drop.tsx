"use client";

import { FileUp } from "lucide-react";
import { type DragEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { Hover } from "@/lib/hover";
import { testids } from "@/lib/testids";

interface DropZoneProps {
  /** Absent: nothing can be dropped here now. */
  onFiles?: (files: File[]) => void;
  children: ReactNode;
}

/** Takes files that are dropped on what is in it, and says so while they are held above. */
export function DropZone({ onFiles, children }: DropZoneProps) {
  const t = useTranslations("files");
  const [held, setHeld] = useState(false);
  const [hover] = useState(() => new Hover(setHeld));
  useEffect(() => hover.end, [hover]);
  const heed = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    // Without it the browser would leave the page for the file, also where it is not wanted.
    event.preventDefault();
    if (onFiles) hover.over();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what can be dropped can be chosen by a button, too.
    <div
      data-testid={testids.dropZone}
      onDragEnter={heed}
      onDragOver={heed}
      onDragLeave={hover.left}
      onDrop={(event) => {
        heed(event);
        hover.end();
        const files = filesOf(event.dataTransfer);
        if (files.length > 0) onFiles?.(files);
      }}
      className="relative flex min-h-0 min-w-0 flex-1 flex-col"
    >
      {children}
      {held ? (
        <div className="pointer-events-none absolute inset-2 z-30 flex animate-appear flex-col items-center justify-center gap-3 rounded-2xl border-2 border-accent border-dashed bg-accent-soft/90 text-accent-text">
          <FileUp aria-hidden="true" className="size-10" />
          <p role="status" className="font-semibold text-lg">
            {t("drop")}
          </p>
        </div>
      ) : null}
    </div>
  );
}

/** Files, and no folders: those cannot be read. */
export function filesOf({ items, files }: DataTransfer): File[] {
  const isFolder = Array.from(items)
    .filter(({ kind }) => kind === "file")
    .map((item) => item.webkitGetAsEntry?.()?.isDirectory === true);
  return Array.from(files).filter((_, at) => !isFolder[at]);
}
