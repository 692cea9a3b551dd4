"use client";

import { LogOut, UserMinus, UserPlus } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { Client, ConversationEntry, User } from "@/lib/oort";
import { navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button, IconButton } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { ChoosePeople } from "../dialogs/choose-people";
import { useRefusalText } from "../refusal";
import { useClient, useMe } from "../session";
import { usePresence } from "../use-presence";

/** Presence is watched of the first so many; the server allows 100 in all. */
const watchedMax = 40;

/** Of a larger group the first so many are listed. */
const listedMax = 1000;
/** Pages are larger than this; a smaller one is the last. */
const pageMin = 20;

async function allMembers(client: Client, id: string): Promise<User[]> {
  const users: User[] = [];
  for (;;) {
    const page = await client.members(id, users.at(-1)?.id);
    users.push(...page.map(({ user }) => user));
    if (page.length < pageMin || users.length >= listedMax) return users;
  }
}

type Open = { name: "add" } | { name: "leave" } | { name: "remove"; user: User };

/** Who is in a group; to add, to remove, to leave. */
export function Members({ entry }: { entry: ConversationEntry }) {
  const t = useTranslations("details");
  const client = useClient();
  const me = useMe();
  const refusalText = useRefusalText();
  const [users, setUsers] = useState<readonly User[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [open, setOpen] = useState<Open | null>(null);
  const presence = usePresence((users ?? []).slice(0, watchedMax).map(({ id }) => id));
  const mayRemove = entry.creatorId === me.id;

  const load = useCallback(async () => {
    try {
      setUsers(await allMembers(client, entry.id));
      setError(null);
    } catch (refused) {
      setError(refusalText(refused));
    }
  }, [client, entry.id, refusalText]);

  // Somebody came or went: the server says so in the conversation.
  const lastSystemSeq = entry.lastMessage?.system ? entry.lastMessage.seq : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew after each such message.
  useEffect(() => void load(), [load, lastSystemSeq]);

  const sorted = users?.toSorted(
    (a, b) =>
      Number(presence.get(b.id)?.online ?? false) - Number(presence.get(a.id)?.online ?? false) ||
      a.username.localeCompare(b.username),
  );

  return (
    <section aria-label={t("members")} className="flex flex-col gap-1 border-line border-t px-2 py-3">
      <header className="flex items-center justify-between pl-2">
        <h3 className="font-medium text-sm">
          {t("members")} {users ? <span className="text-muted tabular-nums">{users.length}</span> : null}
        </h3>
        <Button kind="quiet" small data-testid={testids.addMembers} onClick={() => setOpen({ name: "add" })}>
          <UserPlus aria-hidden="true" className="size-4" />
          {t("add")}
        </Button>
      </header>
      <Notice>{error}</Notice>
      {users || error ? null : <Spinner className="m-3" />}
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
      <ul role="list">
        {sorted?.map((user) => (
          <li
            key={user.id}
            data-testid={testids.member}
            data-user={user.id}
            className="lazy-item flex h-11 items-center gap-2.5 px-2"
          >
            <Avatar id={user.id} name={user.username} size="sm" online={presence.get(user.id)?.online} />
            <span className="min-w-0 flex-1 truncate text-sm">
              <bdi>{user.username}</bdi>
              {user.id === me.id ? <span className="text-muted"> {t("you")}</span> : null}
              {user.id === entry.creatorId ? <span className="text-muted"> {t("creator")}</span> : null}
              {presence.get(user.id)?.online ? <span className="sr-only"> {t("online")}</span> : null}
            </span>
            {mayRemove && user.id !== me.id ? (
              <IconButton
                label={t("remove", { name: user.username })}
                data-testid={testids.removeMember}
                onClick={() => setOpen({ name: "remove", user })}
              >
                <UserMinus className="size-4" />
              </IconButton>
            ) : null}
          </li>
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
          members={users ?? []}
          onClose={(added) => {
            setOpen(null);
            if (added) void load();
          }}
        />
      ) : null}
      {open && open.name !== "add" ? (
        <ConfirmDialog
          title={open.name === "leave" ? t("leave") : t("removeTitle")}
          text={
            open.name === "leave" ? t("leaveSure", { name: entry.name }) : t("removeSure", { name: open.user.username })
          }
          action={open.name === "leave" ? t("leave") : t("removeAction")}
          onClose={() => setOpen(null)}
          run={async () => {
            await client.removeMember(entry.id, open.name === "leave" ? me.id : open.user.id);
            if (open.name === "leave") navigate({ screen: "chat", conversation: null, info: false }, "replace");
            else void load();
          }}
        />
      ) : null}
    </section>
  );
}

function AddDialog({
  entry,
  members,
  onClose,
}: {
  entry: ConversationEntry;
  members: readonly User[];
  onClose: (added: boolean) => void;
}) {
  const t = useTranslations("details");
  const td = useTranslations("dialogs");
  const client = useClient();
  const refusalText = useRefusalText();
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function add() {
    setBusy(true);
    try {
      await client.addMembers(
        entry.id,
        chosen.map(({ id }) => id),
      );
      onClose(true);
    } catch (refused) {
      setError(refusalText(refused));
      setBusy(false);
    }
  }
  return (
    <Dialog title={t("addTitle")} closeLabel={td("close")} onClose={() => onClose(false)}>
      <ChoosePeople chosen={chosen} onChange={setChosen} without={members.map(({ id }) => id)} />
      <Notice testid={testids.dialogError}>{error}</Notice>
      <Button
        kind="primary"
        busy={busy}
        disabled={chosen.length === 0}
        data-testid={testids.dialogSubmit}
        onClick={add}
      >
        {t("addCount", { count: chosen.length })}
      </Button>
    </Dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  run: () => Promise<void>;
  onClose: () => void;
}

function ConfirmDialog({ title, text, action, run, onClose }: ConfirmProps) {
  const t = useTranslations("dialogs");
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  return (
    <Dialog title={title} closeLabel={t("close")} onClose={onClose}>
      <p>{text}</p>
      <Notice testid={testids.dialogError}>{error}</Notice>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button
          kind="danger"
          busy={busy}
          data-testid={testids.dialogSubmit}
          onClick={async () => {
            setBusy(true);
            try {
              await run();
              onClose();
            } catch (refused) {
              setError(refusalText(refused));
              setBusy(false);
            }
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
