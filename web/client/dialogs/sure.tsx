"use client";

import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { useDoing } from "../contacts/use-contacts";

interface SureProps {
  title: string;
  text: string;
  /** What the button says; the title when absent. */
  action?: string;
  /** Absent: it cannot be done now, and the text says why. */
  run?: () => Promise<unknown>;
  onClose: () => void;
  children?: ReactNode;
}

/** Asks before something is done that cannot be undone, or not by oneself. */
export function SureDialog({ title, text, action = title, run: what, onClose, children }: SureProps) {
  const t = useTranslations("dialogs");
  const { busy, error, run } = useDoing();
  return (
    <Dialog title={title} closeLabel={t("close")} onClose={onClose}>
      <p className="[overflow-wrap:anywhere]">{text}</p>
      {children}
      <Notice testid={testids.dialogError}>{error}</Notice>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t("cancel")}</Button>
        {what ? (
          <Button
            kind="danger"
            busy={busy !== null}
            data-testid={testids.dialogSubmit}
            onClick={async () => {
              if (await run("sure", what)) onClose();
            }}
          >
            {action}
          </Button>
        ) : null}
      </div>
    </Dialog>
  );
}
