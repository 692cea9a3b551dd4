"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { useClient } from "../session";
import { CodeField, PasswordField, text, useSubmit } from "./form";

/** A new password by a mailed code: first the address, then the code with the password; it logs in at once. */
export default function ResetForm() {
  const t = useTranslations("access");
  const client = useClient();
  const [mailedTo, setMailedTo] = useState<string | null>(null);
  const { busy, error, submit, run } = useSubmit(async (form) => {
    if (mailedTo === null) {
      const email = text(form, "email").trim();
      await client.account.askCode("reset", email);
      setMailedTo(email);
      return "more";
    }
    const password = text(form, "password");
    await client.account.resetPassword({ email: mailedTo, code: text(form, "code").trim(), password });
    await client.account.logIn({ login: mailedTo, password });
  });
  return (
    <form data-testid={testids.resetForm} onSubmit={submit} className="flex flex-col gap-4">
      {mailedTo === null ? (
        <Field
          key="email"
          data-testid={testids.resetEmail}
          name="email"
          type="email"
          label={t("accountEmail")}
          autoComplete="email"
          autoFocus
          required
        />
      ) : (
        <>
          <CodeField
            email={mailedTo}
            busy={busy}
            onAgain={() => run(() => client.account.askCode("reset", mailedTo))}
          />
          <PasswordField
            testid={testids.resetPassword}
            label={t("newPassword")}
            hint={t("passwordHint")}
            autoComplete="new-password"
          />
        </>
      )}
      <Notice testid={testids.formError}>{error}</Notice>
      <Button kind="primary" type="submit" busy={busy} data-testid={testids.resetSubmit}>
        {t(mailedTo === null ? "sendCode" : "setPassword")}
      </Button>
    </form>
  );
}
