"use client";

import { Copy, Link2 } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { invitationAddress } from "@/lib/invitation";
import type { GroupLink } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button, IconButton } from "@/parts/button";
import { Choice } from "@/parts/choice";
import { Dialog } from "@/parts/dialog";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { useDoing } from "../contacts/use-contacts";
import { useClock } from "../language";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

const dayMs = 86_400_000;
const lives = { day: dayMs, week: 7 * dayMs, ever: undefined } as const;
type Life = keyof typeof lives;

/** Links by which others come in: made, copied once, revoked. */
export default function LinksDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useTranslations("group");
  const td = useTranslations("dialogs");
  const client = useClient();
  const refusalText = useRefusalText();
  const [links, setLinks] = useState<readonly GroupLink[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [life, setLife] = useState<Life>("week");
  const [address, setAddress] = useState<string | null>(null);
  const [copied, setCopied] = useState(false);
  const { busy, error, run } = useDoing();

  const load = useCallback(async () => {
    try {
      setLinks(await client.groups.links(id));
      setFailed(null);
    } catch (refused) {
      setFailed(refusalText(refused));
    }
  }, [client, id, refusalText]);
  useEffect(() => void load(), [load]);

  const make = () =>
    run("make", async () => {
      const expiresInMs = lives[life];
      const { token } = await client.groups.makeLink(id, expiresInMs === undefined ? {} : { expiresInMs });
      setAddress(invitationAddress(location.origin, token));
      setCopied(false);
      await load();
    });

  return (
    <Dialog title={t("links")} closeLabel={td("close")} onClose={onClose}>
      <div className="flex min-h-0 flex-col gap-4 overflow-y-auto p-1">
        <p className="text-muted text-sm">{t("linksHint")}</p>
        <div className="flex flex-wrap items-center justify-between gap-3">
          <Choice
            label={t("linkLife")}
            value={life}
            options={(Object.keys(lives) as Life[]).map((value) => ({ value, label: t(`lives.${value}`) }))}
            onChange={setLife}
            testid={testids.linkLife}
          />
          <Button kind="primary" busy={busy === "make"} data-testid={testids.makeLink} onClick={make}>
            {t("makeLink")}
          </Button>
        </div>
        {address ? (
          <Field
            label={t("newLink")}
            hint={t(copied ? "copied" : "newLinkHint")}
            value={address}
            readOnly
            data-testid={testids.linkAddress}
            onFocus={(event) => event.target.select()}
            end={
              <IconButton
                label={t("copy")}
                data-testid={testids.copyLink}
                onClick={() =>
                  run("copy", async () => {
                    await navigator.clipboard.writeText(address);
                    setCopied(true);
                  })
                }
              >
                <Copy className="size-4.5" />
              </IconButton>
            }
          />
        ) : null}
        <Notice testid={testids.dialogError}>{failed ?? error}</Notice>
        {links || failed ? null : <Spinner />}
        {links?.length === 0 ? <p className="text-muted text-sm">{t("noLinks")}</p> : null}
        {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list. */}
        <ul role="list" className="flex flex-col">
          {links?.map((link) => (
            <LinkItem
              key={link.id}
              link={link}
              busy={busy === link.id}
              onRevoke={() =>
                run(link.id, async () => {
                  await client.groups.revokeLink(id, link.id);
                  await load();
                })
              }
            />
          ))}
        </ul>
      </div>
    </Dialog>
  );
}

function LinkItem({ link, busy, onRevoke }: { link: GroupLink; busy: boolean; onRevoke: () => void }) {
  const t = useTranslations("group");
  const clock = useClock();
  const { creator, createdAtMs, expiresAtMs, uses } = link;
  return (
    <li data-testid={testids.groupLink} className="flex items-center gap-3 border-line py-2 text-sm not-last:border-b">
      <Link2 aria-hidden="true" className="size-4 shrink-0 text-muted" />
      <div className="min-w-0 flex-1 leading-tight">
        <p className="truncate">{t("linkOf", { name: creator.username, time: clock.moment(createdAtMs) })}</p>
        <p className="text-muted text-xs">
          {expiresAtMs === undefined ? t("linkEver") : t("linkUntil", { time: clock.moment(expiresAtMs) })} ·{" "}
          {t("linkUses", { count: uses })}
        </p>
      </div>
      <Button small kind="quietDanger" busy={busy} data-testid={testids.revokeLink} onClick={onRevoke}>
        {t("revoke")}
      </Button>
    </li>
  );
}
