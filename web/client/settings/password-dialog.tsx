"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { utf8Bytes } from "@/lib/text/bytes";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { PasswordField, passwordBytesMin, text } from "../access/form";
import { useDoing } from "../contacts/use-contacts";
import { useClient, useMe } from "../session";

/** Sets another password. */
export default function PasswordDialog({ onClose, onChanged }: { onClose: () => void; onChanged: () => void }) {
  const t = useTranslations("account");
  const ta = useTranslations("access");
  const td = useTranslations("dialogs");
  const client = useClient();
  const me = useMe();
  const [short, setShort] = useState(false);
  const { busy, error, run } = useDoing();
  return (
    <Dialog title={t("changePassword")} closeLabel={td("close")} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const next = text(form, "new");
          const isShort = utf8Bytes(next) < passwordBytesMin;
          setShort(isShort);
          if (isShort) return;
          if (!(await run("password", () => client.account.changePassword(text(form, "old"), next)))) return;
          onChanged();
          onClose();
        }}
        className="flex flex-col gap-4"
      >
        {/* Whose password it is, for what keeps passwords. */}
        <input name="username" value={me.username} autoComplete="username" readOnly hidden />
        <PasswordField
          testid={testids.oldPassword}
          name="old"
          label={t("oldPassword")}
          autoComplete="current-password"
        />
        <PasswordField
          testid={testids.newPassword}
          name="new"
          label={ta("newPassword")}
          hint={ta("passwordHint")}
          error={short ? ta("passwordShort") : null}
          autoComplete="new-password"
        />
        <Notice testid={testids.dialogError}>{error}</Notice>
        <Button kind="primary" type="submit" busy={busy !== null} data-testid={testids.dialogSubmit}>
          {t("changePassword")}
        </Button>
      </form>
    </Dialog>
  );
}
