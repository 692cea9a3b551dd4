"use client";

import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { PasswordField, text } from "../access/form";
import { useDoing } from "../contacts/use-contacts";
import { leaving, useClient } from "../session";

/** Puts the account to sleep, or deletes it; the password says that it is meant. */
export default function GoDialog({ how, onClose }: { how: "deactivate" | "delete"; onClose: () => void }) {
  const t = useTranslations("account");
  const td = useTranslations("dialogs");
  const client = useClient();
  const { busy, error, run } = useDoing();
  return (
    <Dialog title={t(how)} closeLabel={td("close")} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const password = text(new FormData(event.currentTarget), "password");
          leaving.now = true;
          if (!(await run(how, () => client.account[how](password)))) leaving.now = false;
        }}
        className="flex flex-col gap-4"
      >
        <p>{t(`${how}Sure`)}</p>
        <PasswordField testid={testids.confirmPassword} label={t("yourPassword")} autoComplete="current-password" />
        <Notice testid={testids.dialogError}>{error}</Notice>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{td("cancel")}</Button>
          <Button kind="danger" type="submit" busy={busy !== null} data-testid={testids.dialogSubmit}>
            {t(how)}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
