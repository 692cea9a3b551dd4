"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { forEverMs } from "@/lib/closed";
import type { User } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Choice } from "@/parts/choice";
import { SureDialog } from "../dialogs/sure";
import { useClient } from "../session";

const hourMs = 3_600_000;
const times = { hour: hourMs, day: 24 * hourMs, week: 168 * hourMs, ever: undefined } as const;
type Time = keyof typeof times;

/** Keeps a member from writing for a time. */
export function MuteDialog({ group, user, onClose }: { group: string; user: User; onClose: () => void }) {
  const t = useTranslations("group");
  const client = useClient();
  const [time, setTime] = useState<Time>("day");
  const until = () => {
    const ms = times[time];
    return ms === undefined ? forEverMs : Date.now() + ms;
  };
  return (
    <SureDialog
      title={t("actions.mute")}
      text={t("muteSure", { name: user.username })}
      run={() => client.groups.mute(group, user.id, until())}
      onClose={onClose}
    >
      <Choice
        label={t("muteFor")}
        value={time}
        options={(Object.keys(times) as Time[]).map((value) => ({ value, label: t(`times.${value}`) }))}
        onChange={setTime}
        testid={testids.muteTime}
      />
    </SureDialog>
  );
}
