"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { refusalOf } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { utf8Bytes } from "@/lib/text/bytes";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { useClient } from "../session";
import { CodeField, PasswordField, passwordBytesMin, text, useSubmit } from "./form";

export function SignUpForm() {
  const t = useTranslations("access");
  const client = useClient();
  const [short, setShort] = useState(false);
  /** Where a code was mailed to, once the server has asked for one. */
  const [mailedTo, setMailedTo] = useState<string | null>(null);
  const { busy, error, submit, run } = useSubmit(async (form) => {
    const email = text(form, "email").trim();
    const code = text(form, "code").trim();
    const account = { username: text(form, "username").trim(), password: text(form, "password") };
    try {
      await client.account.signUp({ ...account, ...(email && { email }), ...(code && { code }) });
    } catch (refused) {
      if (code !== "" || !wantsCode(refused)) throw refused;
      if (email === "") throw new NeedsEmail();
      await client.account.askCode("sign_up", email);
      setMailedTo(email);
      return "more";
    }
  });
  return (
    <form
      data-testid={testids.signUpForm}
      onSubmit={(event) => {
        const tooShort = utf8Bytes(text(new FormData(event.currentTarget), "password")) < passwordBytesMin;
        setShort(tooShort);
        if (tooShort) event.preventDefault();
        else void submit(event);
      }}
      className="flex flex-col gap-4"
    >
      <Field
        data-testid={testids.signUpUsername}
        name="username"
        label={t("username")}
        hint={t("usernameHint")}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        minLength={2}
        maxLength={100}
        autoFocus
        required
      />
      <Field
        data-testid={testids.signUpEmail}
        name="email"
        type="email"
        label={t("email")}
        hint={t("emailHint")}
        autoComplete="email"
      />
      <PasswordField
        testid={testids.signUpPassword}
        label={t("password")}
        hint={t("passwordHint")}
        error={short ? t("passwordShort") : null}
        autoComplete="new-password"
      />
      {mailedTo ? (
        <CodeField
          email={mailedTo}
          busy={busy}
          onAgain={() => run(() => client.account.askCode("sign_up", mailedTo))}
        />
      ) : null}
      <Notice testid={testids.formError}>{error}</Notice>
      <Button kind="primary" type="submit" busy={busy} data-testid={testids.signUpSubmit}>
        {t("signUp")}
      </Button>
    </form>
  );
}

/** The server takes nobody without a mailed code: the field that lacks is named first in what it says. */
function wantsCode(refused: unknown): boolean {
  const { code, message } = refusalOf(refused);
  return code === "invalid_field" && message.startsWith("code:");
}

/** A code can be mailed to an address only. */
class NeedsEmail extends Error {
  readonly code = "needs_email";
}
