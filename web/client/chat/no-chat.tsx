"use client";

import { MessagesSquare } from "lucide-react";
import { useTranslations } from "use-intl";
import { Button } from "@/parts/button";
import { Empty } from "@/parts/empty";
import type { DialogName } from "../shell/shell";

/** Beside the list while nothing is open. */
export function NoChat({ onDialog }: { onDialog: (name: DialogName) => void }) {
  const t = useTranslations("chat");
  return (
    <Empty icon={MessagesSquare} title={t("nothingOpen")}>
      <p>{t("nothingOpenHint")}</p>
      <div className="flex gap-2">
        <Button kind="primary" small onClick={() => onDialog("direct")}>
          {t("write")}
        </Button>
        <Button small onClick={() => onDialog("keys")} className="pointer-coarse:hidden">
          {t("keys")}
        </Button>
      </div>
    </Empty>
  );
}
