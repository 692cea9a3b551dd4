"use client";

import { Paperclip } from "lucide-react";
import { useRef } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { IconButton } from "@/parts/button";

/** Chooses files to send. */
export function AttachButton({ onFiles }: { onFiles: (files: File[]) => void }) {
  const t = useTranslations("files");
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label={t("attach")} data-testid={testids.attach} onClick={() => input.current?.click()}>
        <Paperclip className="size-5" />
      </IconButton>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        tabIndex={-1}
        aria-label={t("attach")}
        data-testid={testids.attachInput}
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          // The same one may be chosen again.
          target.value = "";
        }}
      />
    </>
  );
}
