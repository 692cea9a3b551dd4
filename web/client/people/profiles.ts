"use client";

import { useMemo } from "react";
import { pictureOf } from "@/lib/attachments";
import type { Client, Profile, Store } from "@/lib/oort";
import { Profiles } from "@/lib/profiles";
import { useStore } from "@/lib/store";
import { useClient } from "../session";

let known: { client: Client; me: string | undefined; profiles: Profiles } | undefined;

/** What is known of people, for who is logged in now. */
function profilesOf(client: Client): Profiles {
  const me = client.me.get()?.id;
  if (known?.client !== client || known.me !== me)
    known = { client, me, profiles: new Profiles(async (id) => (await client.person(id)).profile) };
  return known.profiles;
}

const nobody: Store<Profile | null> = { get: () => null, subscribe: () => () => {} };

/** What somebody tells of themselves; null until it is known, and where it is not to be known. */
export function useProfile(id: string | undefined): Profile | null {
  const client = useClient();
  return useStore(useMemo(() => (id === undefined ? nobody : profilesOf(client).of(id)), [client, id]));
}

/** Reads it anew, for who looks at one person alone. */
export async function readProfile(client: Client, id: string): Promise<void> {
  profilesOf(client).put(id, (await client.person(id)).profile);
}

/** Their picture, where it lies on this server. */
export function facePicture(profile: Profile | null): string | undefined {
  return pictureOf(profile?.avatar, location.origin);
}
