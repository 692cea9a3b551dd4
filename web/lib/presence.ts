import type { Presence } from "./oort";

/** What is shown of somebody: there, there but away from all devices, or neither. */
export type Standing = "online" | "away" | null;

export function standingOf(presence: Presence | undefined): Standing {
  if (!presence?.online) return null;
  return presence.away ? "away" : "online";
}

export const deviceKinds = ["desktop", "web", "phone", "tablet"] as const;

/** The kinds of devices that are told by name, those that are used before those that are left alone. */
export function devicesOf({ devices }: Presence): readonly (typeof deviceKinds)[number][] {
  const known = devices.filter((device) => isKnown(device.kind));
  const near = known.filter(({ away }) => !away);
  // Where somebody is beats where they might be.
  return (near.length > 0 ? near : known).map(({ kind }) => kind).filter(isKnown);
}

function isKnown(kind: string): kind is (typeof deviceKinds)[number] {
  return (deviceKinds as readonly string[]).includes(kind);
}
