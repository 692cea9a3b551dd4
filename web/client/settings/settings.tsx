"use client";

import {
  ArrowLeft,
  Bell,
  CircleUserRound,
  EyeOff,
  Keyboard,
  LogOut,
  Monitor,
  Moon,
  Palette,
  Shield,
  Smartphone,
  Sun,
  UserRound,
} from "lucide-react";
import { type ReactNode, useEffect, useId, useState } from "react";
import { useTranslations } from "use-intl";
import { pictureOf } from "@/lib/attachments";
import { change, languages, preferences, themes } from "@/lib/preferences";
import { navigate } from "@/lib/routes";
import { useSaved } from "@/lib/saved";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button, IconButton } from "@/parts/button";
import { Choice } from "@/parts/choice";
import { Notice } from "@/parts/notice";
import { Switch } from "@/parts/switch";
import { useRefusalText } from "../refusal";
import { leaving, useClient, useMe } from "../session";
import type { DialogName } from "../shell/shell";
import { AccountRows } from "./account";
import { InstallRow } from "./install";
import { BlockedPeople, PrivacyChoices } from "./privacy";
import { ProfileForm, useAccount } from "./profile";
import { PushRow } from "./push";
import { Sessions } from "./sessions";

const themeIcons = { system: Monitor, light: Sun, dark: Moon };

export default function Settings({ onDialog }: { onDialog: (name: DialogName) => void }) {
  const t = useTranslations("settings");
  const { theme, language } = useSaved(preferences);
  const me = useMe();
  const account = useAccount();
  const picture = pictureOf(account.account?.profile.avatar, location.origin);
  return (
    <div data-testid={testids.settings} className="flex min-w-0 flex-1 flex-col">
      <header className="flex h-14 shrink-0 items-center gap-2 border-line border-b bg-surface px-2 md:px-5">
        <IconButton
          label={t("back")}
          onClick={() => navigate({ screen: "chat", conversation: null, info: false })}
          className="md:hidden"
        >
          <ArrowLeft className="size-5" />
        </IconButton>
        <h2 className="font-semibold text-lg">{t("title")}</h2>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
        <div className="mx-auto flex max-w-2xl flex-col gap-5 px-4 py-5 md:px-6">
          <Section icon={UserRound} title={t("profile")}>
            <div className="flex items-center gap-4 py-1">
              <Avatar id={me.id} name={me.username} picture={picture} size="lg" />
              <div className="min-w-0 flex-1">
                <p className="truncate font-semibold text-lg">
                  <bdi>{me.username}</bdi>
                </p>
                <p className="text-muted text-sm">{t("userId", { id: me.id })}</p>
              </div>
              {me.operator ? (
                <a
                  href="/admin/"
                  data-testid={testids.adminLink}
                  className="inline-flex h-8 shrink-0 items-center gap-2 rounded-lg border border-line px-3 font-medium text-sm hover:bg-hover"
                >
                  <Shield aria-hidden="true" className="size-4" />
                  {t("admin")}
                </a>
              ) : null}
            </div>
            <ProfileForm {...account} />
          </Section>
          <Section icon={Palette} title={t("appearance")}>
            <Row label={t("theme")}>
              <Choice
                label={t("theme")}
                value={theme}
                options={themes.map((value) => ({ value, label: t(`themes.${value}`), icon: themeIcons[value] }))}
                onChange={(next) => change({ theme: next })}
                testid={testids.themeOption}
              />
            </Row>
            <Row label={t("language")}>
              <Choice
                label={t("language")}
                value={language}
                options={languages.map((value) => ({
                  value,
                  label: value === "system" ? t("themes.system") : value === "zh" ? "中文" : "English",
                  ...(value === "system" ? {} : { lang: value }),
                }))}
                onChange={(next) => change({ language: next })}
                testid={testids.languageOption}
              />
            </Row>
          </Section>
          <Section icon={Bell} title={t("notifications")}>
            <Notifications />
            <PushRow />
          </Section>
          <Section icon={EyeOff} title={t("privacy")} hint={t("privacyHint")}>
            <PrivacyChoices />
            <BlockedPeople />
          </Section>
          <Section icon={Smartphone} title={t("sessions")} hint={t("sessionsHint")}>
            <Sessions />
          </Section>
          <Section icon={CircleUserRound} title={t("account")}>
            <AccountRows />
          </Section>
          <InstallRow />
          <Section icon={Keyboard} title={t("keyboard")} className="pointer-coarse:hidden">
            <Row label={t("keyboardHint")}>
              <Button small onClick={() => onDialog("keys")}>
                {t("keyboardShow")}
              </Button>
            </Row>
          </Section>
          <LogOutButton />
        </div>
      </div>
    </div>
  );
}

interface SectionProps {
  icon: typeof Bell;
  title: string;
  hint?: string;
  className?: string;
  children: ReactNode;
}

export function Section({ icon: Icon, title, hint, className, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={className}>
      <h3 id={id} className="mb-2 flex items-center gap-2 px-1 font-medium text-muted text-sm">
        <Icon aria-hidden="true" className="size-4" />
        {title}
      </h3>
      <div className="flex flex-col gap-3 rounded-2xl border border-line bg-surface px-4 py-3">{children}</div>
      {hint ? <p className="px-1 pt-1.5 text-muted text-xs">{hint}</p> : null}
    </section>
  );
}

export function Row({ label, hint, id, children }: { label: string; hint?: string; id?: string; children: ReactNode }) {
  return (
    <div className="flex min-h-10 flex-wrap items-center justify-between gap-x-6 gap-y-2">
      <div className="min-w-40 flex-1">
        <p id={id}>{label}</p>
        {hint ? <p className="text-muted text-sm">{hint}</p> : null}
      </div>
      {children}
    </div>
  );
}

function Notifications() {
  const t = useTranslations("settings");
  const { notifications } = useSaved(preferences);
  const [permission, setPermission] = useState<NotificationPermission | "unsupported">("default");
  useEffect(() => {
    setPermission(typeof Notification === "undefined" ? "unsupported" : Notification.permission);
  }, []);
  const impossible = permission === "denied" || permission === "unsupported";

  async function turn(on: boolean) {
    if (on && permission === "default") {
      const answer = await Notification.requestPermission();
      setPermission(answer);
      if (answer !== "granted") return;
    }
    change({ notifications: on });
  }
  const hint =
    permission === "denied"
      ? t("notifyDenied")
      : permission === "unsupported"
        ? t("notifyUnsupported")
        : t("notifyHint");
  return (
    <Row id="notify-label" label={t("notify")} hint={hint}>
      <Switch
        checked={notifications && permission === "granted"}
        disabled={impossible}
        onChange={turn}
        labelledBy="notify-label"
        data-testid={testids.notifications}
      />
    </Row>
  );
}

function LogOutButton() {
  const t = useTranslations("settings");
  const client = useClient();
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  return (
    <div className="flex flex-col gap-3">
      <Notice>{error}</Notice>
      <Button
        kind="danger"
        busy={busy}
        data-testid={testids.logOut}
        onClick={async () => {
          setBusy(true);
          setError(null);
          try {
            leaving.now = true;
            await client.account.logOut();
          } catch (refused) {
            leaving.now = false;
            // The log-in would go on at the server: better to be told than to believe that it is over.
            setError(refusalText(refused));
          }
          setBusy(false);
        }}
        className="self-start"
      >
        <LogOut aria-hidden="true" className="size-4" />
        {t("logOut")}
      </Button>
    </div>
  );
}
