"use client";

import { useEffect } from "react";
import { useTranslations } from "use-intl";
import type { Profile } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { readProfile, useProfile } from "../people/profiles";
import { useClient } from "../session";

/** What somebody tells of themselves, as it is now; null until it is known, and where it is not to be known. */
export function useFreshProfile(id: string | undefined): Profile | null {
  const client = useClient();
  useEffect(() => {
    // Somebody who is away or gone shows nothing.
    if (id !== undefined) readProfile(client, id).catch(() => {});
  }, [client, id]);
  return useProfile(id);
}

/** The same as lines; nothing where that is nothing. */
export function PersonSection({ profile: { nick, sex, description } }: { profile: Profile }) {
  const t = useTranslations("profile");
  if (!(nick || sex || description)) return null;
  return (
    <dl data-testid={testids.person} className="flex flex-col gap-2 border-line border-t px-4 py-3 text-sm">
      {nick ? <Line label={t("nick")} value={nick} /> : null}
      {isSex(sex) ? <Line label={t("sex")} value={t(`sexes.${sex}`)} /> : null}
      {description ? <Line label={t("description")} value={description} /> : null}
    </dl>
  );
}

function Line({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt className="text-muted text-xs">{label}</dt>
      <dd dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
        {value}
      </dd>
    </div>
  );
}

function isSex(value: string): value is "female" | "male" | "other" {
  return value === "female" || value === "male" || value === "other";
}
