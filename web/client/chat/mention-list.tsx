"use client";

import { UsersRound } from "lucide-react";
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import { everyoneId, mentionListId, offeredFor } from "@/lib/mentions";
import type { ConversationEntry, User } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { useMembers } from "../group-members";
import { useMe } from "../session";
import { useFoundUsers } from "../use-found-users";

/** As many are offered at a time. */
const offeredMax = 6;

export interface MentionKeys {
  /** Takes a key that is for the list; says whether it was. */
  press: (event: KeyboardEvent) => boolean;
}

interface MentionListProps {
  ref: Ref<MentionKeys>;
  entry: ConversationEntry;
  query: string;
  onPick: (user: User) => void;
  onClose: () => void;
  /** Id of the element that is chosen. */
  onActive: (id: string | null) => void;
}

/** Who can be spoken to: the members of a group, and in an open room everybody whose name begins so. */
export default function MentionList(props: MentionListProps) {
  return props.entry.kind === "group" ? <OfGroup {...props} /> : <OfRoom {...props} />;
}

function OfGroup(props: MentionListProps) {
  const t = useTranslations("chat");
  const me = useMe();
  const { members } = useMembers(props.entry.id);
  const users = useMemo(() => {
    const others = (members ?? []).flatMap(({ user }) => (user.id === me.id ? [] : [user]));
    return offeredFor(props.query, [...others, { id: everyoneId, username: t("everyone") }], offeredMax);
  }, [members, me.id, props.query, t]);
  return <Offered {...props} users={users} />;
}

function OfRoom(props: MentionListProps) {
  const me = useMe();
  const { users } = useFoundUsers(props.query);
  return <Offered {...props} users={users.filter(({ id }) => id !== me.id).slice(0, offeredMax)} />;
}

function Offered({ ref, users, onPick, onClose, onActive }: MentionListProps & { users: readonly User[] }) {
  const t = useTranslations("chat");
  const [at, setAt] = useState(0);
  const chosen = Math.min(at, users.length - 1);
  const active = users[chosen];
  useImperativeHandle(
    ref,
    () => ({
      press(event) {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!active) return false;
        if (step !== undefined) setAt((chosen + step + users.length) % users.length);
        else if (event.key === "Enter" || event.key === "Tab") onPick(active);
        else if (event.key === "Escape") onClose();
        else return false;
        return true;
      },
    }),
    [active, chosen, users, onPick, onClose],
  );
  useEffect(() => {
    onActive(active ? optionId(active) : null);
    return () => onActive(null);
  }, [active, onActive]);
  if (users.length === 0) return null;
  return (
    <div
      id={mentionListId}
      role="listbox"
      aria-label={t("mention")}
      data-testid={testids.mentionList}
      className="mb-1 flex max-w-80 animate-appear flex-col rounded-xl border border-line bg-raised p-1.5 shadow-pop"
    >
      {users.map((user) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: its keys are those of the field.
        // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus.
        <div
          key={user.id}
          id={optionId(user)}
          role="option"
          aria-selected={user === active}
          data-testid={testids.mentionOption}
          data-user={user.id}
          // The field keeps the focus.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onPick(user)}
          className="flex h-10 cursor-pointer select-none items-center gap-3 rounded-lg px-2 hover:bg-hover aria-selected:bg-hover"
        >
          {user.id === everyoneId ? (
            <UsersRound aria-hidden="true" className="mx-1.5 size-5 text-muted" />
          ) : (
            <Avatar id={user.id} name={user.username} size="sm" />
          )}
          <bdi className="min-w-0 truncate">{user.username}</bdi>
        </div>
      ))}
    </div>
  );
}

function optionId({ id }: User): string {
  return `${mentionListId}-${id}`;
}
