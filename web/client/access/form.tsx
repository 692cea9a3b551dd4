"use client";

import { Eye, EyeOff } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { IconButton } from "@/parts/button";
import { Field } from "@/parts/field";
import { useRefusalText } from "../refusal";

/** The server's limit. */
export const passwordBytesMin = 4;

/** Runs what a form is for; says what it was refused with. */
export function useSubmit(what: (form: FormData) => Promise<unknown>) {
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  /** Busy stays so after what leads to another screen; `"more"`: something is still to be filled in. */
  async function run(it: () => Promise<unknown>, isLast = false) {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      if ((await it()) === "more" || !isLast) setBusy(false);
    } catch (refused) {
      setError(refusalText(refused));
      setBusy(false);
    }
  }
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    return run(() => what(form), true);
  }
  return { busy, error, submit, run };
}

interface PasswordFieldProps {
  testid: string;
  label: string;
  hint?: string;
  error?: string | null;
  autoComplete: string;
  name?: string;
}

export function PasswordField({ testid, name = "password", ...rest }: PasswordFieldProps) {
  const t = useTranslations("access");
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <Field
      data-testid={testid}
      name={name}
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

export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

interface CodeFieldProps {
  /** Where it was mailed to. */
  email: string;
  /** Has another one mailed. */
  onAgain: () => void;
  busy: boolean;
}

/** The code that was mailed. */
export function CodeField({ email, onAgain, busy }: CodeFieldProps) {
  const t = useTranslations("access");
  return (
    <div className="flex flex-col items-start gap-1">
      <Field
        data-testid={testids.code}
        name="code"
        label={t("code")}
        hint={t("codeSent", { email })}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={12}
        autoFocus
        required
        className="w-full"
      />
      <button
        type="button"
        disabled={busy}
        data-testid={testids.codeAgain}
        onClick={onAgain}
        className="rounded text-accent text-sm underline underline-offset-2 hover:text-accent-strong"
      >
        {t("codeAgain")}
      </button>
    </div>
  );
}
