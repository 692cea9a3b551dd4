"use client";

import { Ellipsis, LogOut, MicOff, UserPlus } from "lucide-react";
import { type ComponentProps, lazy, useState } from "react";
import { useTranslations } from "use-intl";
import { isKeeper, type MemberAction, memberActions } from "@/lib/groups";
import type { ConversationEntry, Member, User } from "@/lib/oort";
import { type Standing, standingOf } from "@/lib/presence";
import { navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Button, IconButton } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { useDoing } from "../contacts/use-contacts";
import { ChoosePeople } from "../dialogs/choose-people";
import { SureDialog } from "../dialogs/sure";
import { listedMax, useMembers } from "../group-members";
import { OnIntent } from "../on-intent";
import { Face, PersonName } from "../people/person-name";
import { useClient, useMe } from "../session";
import { useNow } from "../use-now";
import { usePresence } from "../use-presence";
import { MuteDialog } from "./mute-dialog";

const loadMenu = () => import("./member-menu");
const MemberMenu = lazy(loadMenu);

/** Presence is watched of the first so many; the server allows 100 in all. */
const watchedMax = 40;

type Open = { name: "add" } | { name: "leave" } | { name: "remove" | "handOver" | "mute"; user: User };

/** Who is in a group and what they are in it; to add, to leave, and what can be done to the others. */
export function Members({ entry }: { entry: ConversationEntry }) {
  const t = useTranslations("details");
  const tg = useTranslations("group");
  const client = useClient();
  const me = useMe();
  const now = useNow();
  const { members, error, load } = useMembers(entry.id);
  const { busy, error: refused, run } = useDoing();
  const [open, setOpen] = useState<Open | null>(null);
  const presence = usePresence((members ?? []).slice(0, watchedMax).map(({ user }) => user.id));
  const keeper = isKeeper(entry);
  const close = () => setOpen(null);
  /** A group that is not over has an owner. */
  const staysOwner = entry.role === "owner" && entry.dissolvedAtMs === undefined && (members?.length ?? 2) > 1;
  const standing = (user: User) => standingOf(presence.get(user.id));

  const sorted = members?.toSorted(
    (a, b) =>
      rank(b) - rank(a) ||
      Number(standing(b.user) !== null) - Number(standing(a.user) !== null) ||
      a.user.username.localeCompare(b.user.username),
  );

  function act(action: MemberAction, user: User) {
    const { groups } = client;
    if (action === "promote") void run(user.id, () => groups.setRole(entry.id, user.id, "admin"));
    else if (action === "demote") void run(user.id, () => groups.setRole(entry.id, user.id, "member"));
    else if (action === "unmute") void run(user.id, () => groups.mute(entry.id, user.id, 0));
    else setOpen({ name: action, user });
  }

  return (
    <section aria-label={t("members")} className="flex flex-col gap-1 border-line border-t px-2 py-3">
      <header className="flex min-h-8 items-center justify-between pl-2">
        <h3 className="font-medium text-sm">
          {t("members")}{" "}
          {members ? (
            <span className="text-muted tabular-nums">
              {members.length >= listedMax ? entry.members : members.length}
            </span>
          ) : null}
        </h3>
        {keeper ? (
          <Button kind="quiet" small data-testid={testids.addMembers} onClick={() => setOpen({ name: "add" })}>
            <UserPlus aria-hidden="true" className="size-4" />
            {t("add")}
          </Button>
        ) : null}
      </header>
      <Notice>{error ?? refused}</Notice>
      {members || error ? null : <Spinner className="m-3" />}
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
      <ul role="list">
        {sorted?.map((member) => (
          <MemberItem
            key={member.user.id}
            member={member}
            mine={member.user.id === me.id}
            standing={standing(member.user)}
            muted={(member.mutedUntil ?? 0) > now}
            actions={
              keeper && member.user.id !== me.id
                ? memberActions(entry.role, { role: member.role, muted: (member.mutedUntil ?? 0) > now })
                : []
            }
            busy={busy === member.user.id}
            onAction={(action) => act(action, member.user)}
          />
        ))}
      </ul>
      <Button
        kind="quietDanger"
        data-testid={testids.leaveGroup}
        onClick={() => setOpen({ name: "leave" })}
        className="mt-1 justify-start"
      >
        <LogOut aria-hidden="true" className="size-4" />
        {t("leave")}
      </Button>
      {open?.name === "add" ? (
        <AddDialog
          entry={entry}
          members={members ?? []}
          onClose={(added) => {
            setOpen(null);
            if (added) void load();
          }}
        />
      ) : null}
      {open?.name === "leave" ? (
        <SureDialog
          title={t("leave")}
          text={staysOwner ? tg("ownerLeaves") : t("leaveSure", { name: entry.name })}
          onClose={close}
          run={
            staysOwner
              ? undefined
              : async () => {
                  await client.removeMember(entry.id, me.id);
                  navigate({ screen: "chat", conversation: null, info: false }, "replace");
                }
          }
        />
      ) : null}
      {open?.name === "remove" ? (
        <SureDialog
          title={t("removeTitle")}
          text={t("removeSure", { name: open.user.username })}
          action={t("removeAction")}
          onClose={close}
          run={async () => {
            await client.removeMember(entry.id, open.user.id);
            void load();
          }}
        />
      ) : null}
      {open?.name === "handOver" ? (
        <SureDialog
          title={tg("actions.handOver")}
          text={tg("handOverSure", { name: open.user.username })}
          onClose={close}
          run={() => client.groups.handOver(entry.id, open.user.id)}
        />
      ) : null}
      {open?.name === "mute" ? <MuteDialog group={entry.id} user={open.user} onClose={close} /> : null}
    </section>
  );
}

function rank({ role }: Member): number {
  return role === "owner" ? 2 : role === "admin" ? 1 : 0;
}

interface MemberItemProps {
  member: Member;
  mine: boolean;
  standing: Standing;
  muted: boolean;
  actions: readonly MemberAction[];
  busy: boolean;
  onAction: (action: MemberAction) => void;
}

function MemberItem({ member: { user, role }, mine, standing, muted, actions, busy, onAction }: MemberItemProps) {
  const t = useTranslations("details");
  const tg = useTranslations("group");
  const button = (props: Partial<ComponentProps<typeof IconButton>>) => (
    <IconButton label={tg("actionsOf", { name: user.username })} data-testid={testids.memberMenu} {...props}>
      <Ellipsis className="size-4" />
    </IconButton>
  );
  return (
    <li
      data-testid={testids.member}
      data-user={user.id}
      data-role={role}
      className="lazy-item flex h-11 items-center gap-2.5 px-2"
    >
      <Face user={user} size="sm" standing={standing} />
      <span className="min-w-0 flex-1 truncate text-sm">
        <PersonName user={user} />
        {mine ? <span className="text-muted"> {t("you")}</span> : null}
        {standing ? <span className="sr-only"> {t(standing)}</span> : null}
      </span>
      {muted ? <MicOff aria-label={tg("isMuted")} className="size-4 shrink-0 text-muted" /> : null}
      {role === "member" ? null : (
        <span className="shrink-0 rounded-full bg-accent-soft px-2 py-0.5 font-medium text-accent-text text-xs">
          {tg(`roles.${role}`)}
        </span>
      )}
      {busy ? <Spinner className="mx-2" /> : null}
      {actions.length > 0 && !busy ? (
        <OnIntent
          load={loadMenu}
          part={MemberMenu}
          props={{ trigger: button({}), actions, onAction }}
          button={(press) => button({ "aria-haspopup": "menu", ...press })}
        />
      ) : null}
    </li>
  );
}

interface AddProps {
  entry: ConversationEntry;
  members: readonly Member[];
  onClose: (added: boolean) => void;
}

function AddDialog({ entry, members, onClose }: AddProps) {
  const t = useTranslations("details");
  const td = useTranslations("dialogs");
  const client = useClient();
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const { busy, error, run } = useDoing();
  const ids = chosen.map(({ id }) => id);
  return (
    <Dialog title={t("addTitle")} closeLabel={td("close")} onClose={() => onClose(false)}>
      <ChoosePeople chosen={chosen} onChange={setChosen} without={members.map(({ user }) => user.id)} />
      <Notice testid={testids.dialogError}>{error}</Notice>
      <Button
        kind="primary"
        busy={busy !== null}
        disabled={chosen.length === 0}
        data-testid={testids.dialogSubmit}
        onClick={async () => {
          if (await run("add", () => client.addMembers(entry.id, ids))) onClose(true);
        }}
      >
        {t("addCount", { count: chosen.length })}
      </Button>
    </Dialog>
  );
}
