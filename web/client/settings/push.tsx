"use client";

import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { change, preferences } from "@/lib/preferences";
import { useSaved } from "@/lib/saved";
import { testids } from "@/lib/testids";
import { Notice } from "@/parts/notice";
import { Switch } from "@/parts/switch";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";
import { Row } from "./settings";

/** Notifications while Oort is not open; nothing where browser or server has none. */
export function PushRow() {
  const t = useTranslations("settings");
  const client = useClient();
  const refusalText = useRefusalText();
  const { push } = useSaved(preferences);
  const [offered, setOffered] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    client.push.isOffered().then(
      (is) => wanted && setOffered(is),
      // Not known: then it is not shown.
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [client]);
  if (!offered) return null;

  async function turn(on: boolean) {
    setBusy(true);
    setError(null);
    try {
      if (on && Notification.permission === "default") await Notification.requestPermission();
      if (on) change({ push: await client.push.subscribe() });
      else {
        await client.push.unsubscribe();
        change({ push: false });
      }
    } catch (refused) {
      setError(refusalText(refused));
    }
    setBusy(false);
  }
  return (
    <>
      <Notice>{error}</Notice>
      <Row id="push-label" label={t("push")} hint={t("pushHint")}>
        <Switch
          checked={push}
          disabled={busy || Notification.permission === "denied"}
          onChange={turn}
          labelledBy="push-label"
          data-testid={testids.pushNotifications}
        />
      </Row>
    </>
  );
}
