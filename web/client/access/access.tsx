"use client";

import { Eye, EyeOff, Languages } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { change } from "@/lib/preferences";
import { addressOf, navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { utf8Bytes } from "@/lib/text/bytes";
import { Button, IconButton } from "@/parts/button";
import { Field } from "@/parts/field";
import { Logo } from "@/parts/logo";
import { Notice } from "@/parts/notice";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

/** Logging in and making an account. */
export default function Access({ screen, ended }: { screen: "login" | "signup"; ended: boolean }) {
  const t = useTranslations("access");
  useEffect(() => {
    document.title = `${t(screen === "login" ? "logIn" : "signUp")} · Oort`;
  }, [t, screen]);
  return (
    <main className="flex h-dvh flex-col items-center overflow-y-auto px-4 py-6">
      <div className="my-auto flex w-full max-w-92 flex-col gap-6">
        <header className="flex flex-col items-center gap-3 text-center">
          <Logo className="size-12 text-accent" />
          <div>
            <h1 className="font-semibold text-xl">{t(screen === "login" ? "welcome" : "join")}</h1>
            <p className="mt-1 text-muted">{t(screen === "login" ? "welcomeHint" : "joinHint")}</p>
          </div>
        </header>
        {ended ? (
          <p
            role="status"
            data-testid={testids.logInEnded}
            className="rounded-lg bg-warn-soft px-3 py-2 text-center text-sm text-warn"
          >
            {t("ended")}
          </p>
        ) : null}
        <div className="rounded-2xl border border-line bg-surface p-6">
          {screen === "login" ? <LogInForm /> : <SignUpForm />}
        </div>
        <p className="text-center text-muted">
          {t(screen === "login" ? "noAccount" : "hasAccount")}{" "}
          <ScreenLink to={screen === "login" ? "signup" : "login"}>
            {t(screen === "login" ? "signUp" : "logIn")}
          </ScreenLink>
        </p>
      </div>
      <LanguageButton />
    </main>
  );
}

function ScreenLink({ to, children }: { to: "login" | "signup"; children: ReactNode }) {
  return (
    <a
      href={addressOf({ screen: to })}
      onClick={(event) => {
        event.preventDefault();
        navigate({ screen: to });
      }}
      className="rounded font-medium text-accent underline underline-offset-2 hover:text-accent-strong"
    >
      {children}
    </a>
  );
}

function LanguageButton() {
  const locale = useLocale();
  const other = locale === "zh" ? "en" : "zh";
  return (
    <Button kind="quiet" small lang={other} className="text-muted" onClick={() => change({ language: other })}>
      <Languages aria-hidden="true" className="size-4" />
      {other === "zh" ? "中文" : "English"}
    </Button>
  );
}

/** Runs what a form is for; says what it was refused with. */
function useSubmit(run: (form: FormData) => Promise<unknown>) {
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await run(new FormData(event.currentTarget));
    } catch (refused) {
      setError(refusalText(refused));
      setBusy(false);
    }
  }
  return { busy, error, submit };
}

function LogInForm() {
  const t = useTranslations("access");
  const client = useClient();
  const { busy, error, submit } = useSubmit((form) =>
    client.account.logIn({ login: text(form, "login").trim(), password: text(form, "password") }),
  );
  return (
    <form data-testid={testids.logInForm} onSubmit={submit} className="flex flex-col gap-4">
      <Field
        data-testid={testids.logInLogin}
        name="login"
        label={t("login")}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
      />
      <PasswordField testid={testids.logInPassword} label={t("password")} autoComplete="current-password" />
      <Notice testid={testids.formError}>{error}</Notice>
      <Button kind="primary" type="submit" busy={busy} data-testid={testids.logInSubmit}>
        {t("logIn")}
      </Button>
    </form>
  );
}

const passwordBytesMin = 4;

function SignUpForm() {
  const t = useTranslations("access");
  const client = useClient();
  const [short, setShort] = useState(false);
  const { busy, error, submit } = useSubmit((form) => {
    const email = text(form, "email").trim();
    return client.account.signUp({
      username: text(form, "username").trim(),
      password: text(form, "password"),
      ...(email ? { email } : {}),
    });
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
      <Notice testid={testids.formError}>{error}</Notice>
      <Button kind="primary" type="submit" busy={busy} data-testid={testids.signUpSubmit}>
        {t("signUp")}
      </Button>
    </form>
  );
}

interface PasswordFieldProps {
  testid: string;
  label: string;
  hint?: string;
  error?: string | null;
  autoComplete: string;
}

function PasswordField({ testid, ...rest }: PasswordFieldProps) {
  const t = useTranslations("access");
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <Field
      data-testid={testid}
      name="password"
      type={shown ? "text" : "password"}
      required
      end={
        <IconButton label={t(shown ? "hidePassword" : "showPassword")} onClick={() => setShown(!shown)}>
          <Icon className="size-4.5" />
        </IconButton>
      }
      {...rest}
    />
  );
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
