"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { refusalOf } from "@/lib/oort";
import { navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

/** Asks whether to join the group that a link leads into. */
export default function JoinDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const t = useTranslations("join");
  const td = useTranslations("dialogs");
  const client = useClient();
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function join() {
    setBusy(true);
    setError(null);
    try {
      const { id } = await client.groups.join(token);
      onClose();
      navigate({ screen: "chat", conversation: id, info: false });
    } catch (refused) {
      // Whether it never was, was used up or is over: the server does not tell.
      setError(refusalOf(refused).code === "not_found" ? t("over") : refusalText(refused));
      setBusy(false);
    }
  }
  return (
    <Dialog title={t("title")} closeLabel={td("close")} onClose={onClose}>
      <p>{t("text")}</p>
      <Notice testid={testids.dialogError}>{error}</Notice>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{td("cancel")}</Button>
        <Button kind="primary" busy={busy} data-testid={testids.dialogSubmit} onClick={join}>
          {t("join")}
        </Button>
      </div>
    </Dialog>
  );
}
