"use client";

import { type FormEvent, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { AccountInfo, Profile } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Choice } from "@/parts/choice";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { TextArea } from "@/parts/text-area";
import { useDoing } from "../contacts/use-contacts";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

/** The server's limits, in characters; of the address in bytes. */
const limits = { nick: 64, avatar: 1024, description: 500 };
const sexes = ["", "female", "male", "other"] as const;

/** One's account, now and after another device has changed it. */
export function useAccount() {
  const client = useClient();
  const refusalText = useRefusalText();
  const [account, setAccount] = useState<AccountInfo | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    const load = () =>
      client.account.info().then(
        (now) => wanted && setAccount(now),
        (refused) => wanted && setFailed(refusalText(refused)),
      );
    void load();
    const stop = client.on("event", ({ kind }) => {
      if (kind === "profile_changed") void load();
    });
    return () => {
      wanted = false;
      stop();
    };
  }, [client, refusalText]);
  return { account, failed, setAccount };
}

/** What one tells of oneself. */
export function ProfileForm({ account, failed, setAccount }: ReturnType<typeof useAccount>) {
  if (!account) return failed ? <Notice>{failed}</Notice> : <Spinner className="my-2" />;
  // Changed elsewhere: then that is shown.
  return <Fields key={JSON.stringify(account.profile)} account={account} onSaved={setAccount} />;
}

function Fields({ account, onSaved }: { account: AccountInfo; onSaved: (account: AccountInfo) => void }) {
  const t = useTranslations("profile");
  const client = useClient();
  const { profile, email } = account;
  const [now, setNow] = useState<Profile>(profile);
  const { busy, error, run } = useDoing();
  const changed = (Object.keys(now) as (keyof Profile)[]).filter((field) => now[field].trim() !== profile[field]);
  const put = (field: keyof Profile) => (event: { target: { value: string } }) =>
    setNow({ ...now, [field]: event.target.value });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const change = Object.fromEntries(changed.map((field) => [field, now[field].trim()]));
    void run("profile", async () => onSaved(await client.account.changeProfile(change)));
  };
  return (
    <form data-testid={testids.profileForm} onSubmit={submit} className="flex flex-col gap-4">
      {email ? (
        <p className="text-sm">
          <span className="text-muted">{t("email")}</span> <bdi data-testid={testids.profileEmail}>{email}</bdi>
        </p>
      ) : null}
      <Field
        data-testid={testids.nick}
        label={t("nick")}
        hint={t("nickHint")}
        value={now.nick}
        maxLength={limits.nick}
        autoComplete="nickname"
        onChange={put("nick")}
      />
      <div className="flex flex-col items-start gap-1.5">
        <p className="font-medium text-sm">{t("sex")}</p>
        <Choice
          label={t("sex")}
          value={now.sex}
          options={sexes.map((value) => ({ value, label: t(value === "" ? "sexes.none" : `sexes.${value}`) }))}
          onChange={(sex) => setNow({ ...now, sex })}
          testid={testids.sex}
        />
      </div>
      <TextArea
        data-testid={testids.description}
        label={t("description")}
        rows={3}
        value={now.description}
        maxLength={limits.description}
        onChange={put("description")}
      />
      <Field
        data-testid={testids.avatarField}
        label={t("avatar")}
        hint={t("avatarHint")}
        value={now.avatar}
        maxLength={limits.avatar}
        autoComplete="off"
        onChange={put("avatar")}
      />
      <Notice>{error}</Notice>
      {changed.length > 0 ? (
        <Button
          kind="primary"
          type="submit"
          busy={busy !== null}
          data-testid={testids.saveProfile}
          className="self-start"
        >
          {t("save")}
        </Button>
      ) : null}
    </form>
  );
}
