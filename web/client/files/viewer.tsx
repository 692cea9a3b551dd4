"use client";

import { Download } from "lucide-react";
import { useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { type Shown, sizeText } from "@/lib/attachments";
import { testids } from "@/lib/testids";
import { Dialog } from "@/parts/dialog";
import { Spinner } from "@/parts/spinner";

/** A picture as large as the screen has room for. */
export default function Viewer({ shown, onClose }: { shown: Shown; onClose: () => void }) {
  const t = useTranslations("files");
  const tk = useTranslations("kinds");
  const td = useTranslations("dialogs");
  const locale = useLocale();
  const [state, setState] = useState<"loading" | "there" | "broken">("loading");
  const title = shown.name ?? tk("image");
  return (
    <Dialog title={title} closeLabel={td("close")} onClose={onClose} wide>
      <div className="relative flex min-h-0 flex-1 items-center justify-center">
        {state === "loading" ? <Spinner className="absolute size-6 text-muted" /> : null}
        {state === "broken" ? <p role="alert">{t("cannotShow")}</p> : null}
        {/* biome-ignore lint/performance/noImgElement: there is no server to make it smaller. */}
        <img
          data-testid={testids.viewerPicture}
          data-state={state}
          src={shown.href}
          alt={title}
          onLoad={() => setState("there")}
          onError={() => setState("broken")}
          className="max-h-full max-w-full rounded-lg object-contain data-[state=broken]:hidden"
        />
      </div>
      <p className="flex shrink-0 flex-wrap items-center justify-between gap-2 text-muted text-sm">
        <span>
          {[
            shown.width && shown.height ? `${shown.width} × ${shown.height}` : null,
            shown.sizeBytes === undefined ? null : sizeText(shown.sizeBytes, locale),
          ]
            .filter(Boolean)
            .join(" · ")}
        </span>
        <a
          href={shown.href}
          download={title}
          data-testid={testids.download}
          className="inline-flex h-9 items-center gap-2 rounded-lg border border-line px-3 font-medium text-text hover:bg-hover pointer-coarse:h-11"
        >
          <Download aria-hidden="true" className="size-4" />
          {t("download")}
        </a>
      </p>
    </Dialog>
  );
}
