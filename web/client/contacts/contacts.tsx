"use client";

import { UserPlus, UsersRound } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Contact, User } from "@/lib/oort";
import { type Standing, standingOf } from "@/lib/presence";
import { navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button } from "@/parts/button";
import { cx } from "@/parts/cx";
import { Empty } from "@/parts/empty";
import { Notice } from "@/parts/notice";
import { ListSkeleton } from "../list/skeleton";
import { Face, PersonName } from "../people/person-name";
import { useClient } from "../session";
import type { DialogName } from "../shell/shell";
import { usePresence } from "../use-presence";
import { useDoing, usePeople } from "./use-contacts";

/** Presence is watched of the first so many; the server allows 100 in all, and the list of conversations watches some too. */
const watchedMax = 40;

/** Contacts, and who waits for an answer. */
export default function Contacts({ onDialog }: { onDialog: (name: DialogName) => void }) {
  const t = useTranslations("contacts");
  const client = useClient();
  const people = usePeople();
  const { busy, error, run } = useDoing();
  const presence = usePresence((people?.contacts ?? []).slice(0, watchedMax).map(({ user }) => user.id));
  if (!people) return <ListSkeleton />;
  const { asking, asked, contacts } = people;

  const talkTo = (user: User) =>
    run(user.id, async () => {
      const { id } = await client.openDirect(user.id);
      navigate({ screen: "chat", conversation: id, info: false });
    });

  return (
    <div data-testid={testids.contacts} className="flex flex-col gap-2">
      <Button small data-testid={testids.addContact} onClick={() => onDialog("contact")}>
        <UserPlus aria-hidden="true" className="size-4" />
        {t("add")}
      </Button>
      <Notice>{error}</Notice>
      {asking.length > 0 ? (
        <Section title={t("asking")}>
          {asking.map(({ user, message }) => (
            <li key={user.id} data-testid={testids.request} data-user={user.id} className="flex gap-3 rounded-xl p-2">
              <Avatar id={user.id} name={user.username} />
              <div className="flex min-w-0 flex-1 flex-col gap-2">
                <div className="leading-tight">
                  <p className="truncate font-medium">
                    <bdi>{user.username}</bdi>
                  </p>
                  <p className="line-clamp-3 text-muted text-sm [overflow-wrap:anywhere]" dir="auto">
                    {message || t("wantsTo")}
                  </p>
                </div>
                <div className="flex gap-2">
                  <Button
                    kind="primary"
                    small
                    busy={busy === `accept ${user.id}`}
                    data-testid={testids.acceptRequest}
                    aria-label={t("acceptOf", { name: user.username })}
                    onClick={() => run(`accept ${user.id}`, () => client.contacts.accept(user.id))}
                  >
                    {t("accept")}
                  </Button>
                  <Button
                    small
                    busy={busy === `refuse ${user.id}`}
                    data-testid={testids.refuseRequest}
                    aria-label={t("refuseOf", { name: user.username })}
                    onClick={() => run(`refuse ${user.id}`, () => client.contacts.refuse(user.id))}
                  >
                    {t("refuse")}
                  </Button>
                </div>
              </div>
            </li>
          ))}
        </Section>
      ) : null}
      {asked.length > 0 ? (
        <Section title={t("asked")}>
          {asked.map(({ user }) => (
            <li
              key={user.id}
              data-testid={testids.sentRequest}
              data-user={user.id}
              className="flex h-12 items-center gap-3 px-2"
            >
              <Avatar id={user.id} name={user.username} size="sm" />
              <bdi className="min-w-0 flex-1 truncate">{user.username}</bdi>
              <Button
                kind="quiet"
                small
                busy={busy === `withdraw ${user.id}`}
                data-testid={testids.withdrawRequest}
                aria-label={t("withdrawOf", { name: user.username })}
                onClick={() => run(`withdraw ${user.id}`, () => client.contacts.withdraw(user.id))}
              >
                {t("withdraw")}
              </Button>
            </li>
          ))}
        </Section>
      ) : null}
      {contacts.length > 0 ? (
        <Section title={t("contacts")}>
          {contacts.map((contact) => (
            <ContactItem
              key={contact.user.id}
              contact={contact}
              standing={standingOf(presence.get(contact.user.id))}
              onOpen={() => talkTo(contact.user)}
            />
          ))}
        </Section>
      ) : null}
      {asking.length + asked.length + contacts.length === 0 ? (
        <Empty icon={UsersRound} title={t("empty")}>
          <p>{t("emptyHint")}</p>
        </Empty>
      ) : null}
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="px-2 pb-1 font-medium text-muted text-xs">{title}</h2>
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
      <ul role="list">{children}</ul>
    </section>
  );
}

interface ContactItemProps {
  contact: Contact;
  standing: Standing;
  onOpen: () => void;
}

function ContactItem({ contact, standing, onOpen }: ContactItemProps) {
  const t = useTranslations("contacts");
  const { user, remark, blocked } = contact;
  return (
    <li className="lazy-item">
      <button
        type="button"
        data-list-item
        data-testid={testids.contact}
        data-user={user.id}
        onClick={onOpen}
        className="flex h-14 w-full items-center gap-3 rounded-xl px-2 text-left hover:bg-hover focus-visible:-outline-offset-2"
      >
        <Face user={user} standing={standing} />
        <span className="flex min-w-0 flex-1 flex-col leading-tight">
          {remark ? <bdi className="truncate font-medium">{remark}</bdi> : null}
          <PersonName user={user} className={cx("truncate", remark ? "text-muted text-sm" : "font-medium")} />
        </span>
        {standing ? <span className="sr-only">{t(standing)}</span> : null}
        {blocked ? <span className="text-danger text-xs">{t("isBlocked")}</span> : null}
      </button>
    </li>
  );
}
