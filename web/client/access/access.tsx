"use client";

import { Languages } from "lucide-react";
import { type ReactNode, Suspense, useEffect } from "react";
import { useLocale, useTranslations } from "use-intl";
import { invitation } from "@/lib/invitation";
import { change } from "@/lib/preferences";
import { addressOf, navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Field } from "@/parts/field";
import { Logo } from "@/parts/logo";
import { Notice } from "@/parts/notice";
import { lazyPart } from "../lazy-part";
import { useClient } from "../session";
import { PasswordField, text, useSubmit } from "./form";

const SignUpForm = lazyPart(async () => ({ default: (await import("./sign-up")).SignUpForm }));
const ResetForm = lazyPart(() => import("./reset"));

type Screen = "login" | "signup" | "reset";

const heads = {
  login: { action: "logIn", title: "welcome", hint: "welcomeHint" },
  signup: { action: "signUp", title: "join", hint: "joinHint" },
  reset: { action: "reset", title: "reset", hint: "resetHint" },
} as const;

/** Logging in, making an account, and a new password for one whose password is lost. */
export default function Access({ screen, ended }: { screen: Screen; ended: boolean }) {
  const t = useTranslations("access");
  const { action, title, hint } = heads[screen];
  useEffect(() => {
    document.title = `${t(action)} · Oort`;
  }, [t, action]);
  return (
    <main className="flex h-dvh flex-col items-center overflow-y-auto px-4 py-6">
      <div className="my-auto flex w-full max-w-92 flex-col gap-6">
        <header className="flex flex-col items-center gap-3 text-center">
          <Logo className="size-12 text-accent" />
          <div>
            <h1 className="font-semibold text-xl">{t(title)}</h1>
            <p className="mt-1 text-muted">{t(hint)}</p>
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
        {invitation.get() ? (
          <p
            data-testid={testids.invited}
            className="rounded-lg bg-accent-soft px-3 py-2 text-center text-accent-text text-sm"
          >
            {t("invited")}
          </p>
        ) : null}
        <div className="rounded-2xl border border-line bg-surface p-6">
          <Suspense fallback={<div className="h-60" />}>
            {screen === "login" ? <LogInForm /> : screen === "signup" ? <SignUpForm /> : <ResetForm />}
          </Suspense>
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

function ScreenLink({ to, children }: { to: Screen; children: ReactNode }) {
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
      <p className="text-center text-sm">
        <ScreenLink to="reset">{t("forgot")}</ScreenLink>
      </p>
    </form>
  );
}
