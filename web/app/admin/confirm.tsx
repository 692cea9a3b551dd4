"use client";

import { useTranslations } from "use-intl";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { adminTestids } from "./testids";

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Before what cannot be taken back. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  const t = useTranslations("admin");
  return (
    <Dialog title={title} closeLabel={t("close")} onClose={onClose}>
      <p className="text-muted">{text}</p>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button
          kind="danger"
          data-testid={adminTestids.confirm}
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
