import type { ConversationEntry, Role } from "./oort";

/** What can be done to a member of a group. */
export type MemberAction = "promote" | "demote" | "handOver" | "mute" | "unmute" | "remove";

const rank: Record<Role, number> = { member: 0, admin: 1, owner: 2 };

interface Other {
  role: Role;
  /** May not send now. */
  muted: boolean;
}

/** What somebody may try with another member, in the order in which it is offered; the server judges by the same table. */
export function memberActions(mine: Role | undefined, { role, muted }: Other): readonly MemberAction[] {
  if (!mine || mine === "member" || rank[mine] <= rank[role]) return [];
  const all: readonly [MemberAction, boolean][] = [
    ["promote", mine === "owner" && role === "member"],
    ["demote", mine === "owner" && role === "admin"],
    ["handOver", mine === "owner"],
    ["unmute", muted],
    ["mute", !muted],
    ["remove", true],
  ];
  return all.flatMap(([action, isOffered]) => (isOffered ? [action] : []));
}

/** Whether somebody looks after a group that still is one: its owner and admins. */
export function isKeeper({ kind, role, dissolvedAtMs }: ConversationEntry): boolean {
  return kind === "group" && dissolvedAtMs === undefined && (role === "owner" || role === "admin");
}
