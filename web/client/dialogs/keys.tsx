"use client";

import { useTranslations } from "use-intl";
import { Dialog } from "@/parts/dialog";

const keys = [
  ["search", "Ctrl K"],
  ["searchHere", "Ctrl Shift F"],
  ["neighbour", "Alt ↑ ↓"],
  ["list", "↑ ↓"],
  ["send", "Enter"],
  ["newLine", "Shift Enter"],
  ["edit", "↑"],
  ["composer", "Esc"],
  ["keys", "Ctrl /"],
] as const;

/** Every key that does something. */
export function Keys({ onClose }: { onClose: () => void }) {
  const t = useTranslations("keys");
  const td = useTranslations("dialogs");
  return (
    <Dialog title={t("title")} closeLabel={td("close")} onClose={onClose}>
      <dl className="flex flex-col">
        {keys.map(([name, shown]) => (
          <div key={name} className="flex items-center justify-between gap-4 border-line py-2 not-last:border-b">
            <dt>{t(name)}</dt>
            <dd className="flex shrink-0 gap-1">
              {shown.split(" ").map((key) => (
                <kbd key={key} className="rounded-md border border-line bg-sunken px-1.5 py-0.5 font-sans text-xs">
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
