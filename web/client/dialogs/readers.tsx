"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { type Message, type Readers, refusalOf } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Notice } from "@/parts/notice";
import { Spinner } from "@/parts/spinner";
import { Face, PersonName } from "../people/person-name";
import { useRefusalText } from "../refusal";
import { useClient } from "../session";

interface ReadersProps {
  conversation: string;
  item: Message;
  onClose: () => void;
}

/** Those who read within this time are asked for together. */
const togetherMs = 300;

/** Who has read a message: by name in a small group, as a number in a large one. */
export default function ReadersDialog({ conversation, item: { seq }, onClose }: ReadersProps) {
  const t = useTranslations("readers");
  const td = useTranslations("dialogs");
  const client = useClient();
  const refusalText = useRefusalText();
  const [known, setKnown] = useState<Readers | null>(null);
  const [isBusy, setBusy] = useState(true);
  const [error, setError] = useState<string | null>(null);

  /** The last one that was begun; answers to others come too late. */
  const run = useRef(0);
  const load = useCallback(
    async (before: Readers | null) => {
      const mine = ++run.current;
      setBusy(true);
      try {
        const page = await client.readers(conversation, seq, before?.readers?.at(-1)?.user.id);
        if (mine !== run.current) return;
        const readers = page.readers === null ? null : [...(before?.readers ?? []), ...page.readers];
        setKnown({ ...page, readers });
        setError(null);
      } catch (refused) {
        if (mine !== run.current) return;
        setError(refusalOf(refused).code === "forbidden" ? t("notSending") : refusalText(refused));
      }
      setBusy(false);
    },
    [client, conversation, seq, t, refusalText],
  );
  useEffect(() => void load(null), [load]);
  // Who reads it while one looks is told by a cursor.
  const { cursors } = client.conversation(conversation);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = cursors.subscribe(() => {
      clearTimeout(timer);
      timer = setTimeout(() => void load(null), togetherMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [cursors, load]);

  return (
    <Dialog title={t("title")} closeLabel={td("close")} onClose={onClose}>
      <Notice testid={testids.dialogError}>{error}</Notice>
      {known ? (
        <p role="status" data-testid={testids.readerCount} data-count={known.count} className="text-muted text-sm">
          {t(known.more ? "countOrMore" : "count", { count: known.count })}
        </p>
      ) : null}
      {known?.readers && known.readers.length > 0 ? (
        // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
        <ul role="list" aria-label={t("title")} className="-mx-2 max-h-72 min-h-12 overflow-y-auto overscroll-contain">
          {known.readers.map(({ user }) => (
            <li
              key={user.id}
              data-testid={testids.reader}
              data-user={user.id}
              className="lazy-item flex h-12 items-center gap-3 px-2"
            >
              <Face user={user} size="sm" />
              <PersonName user={user} className="min-w-0 truncate" />
            </li>
          ))}
        </ul>
      ) : null}
      {known?.readers === null ? <p className="text-muted text-sm">{t("large")}</p> : null}
      {isBusy ? <Spinner className="self-center" /> : null}
      {known?.readers && known.readers.length < known.count && !isBusy ? (
        <Button small data-testid={testids.moreReaders} onClick={() => void load(known)}>
          {t("more")}
        </Button>
      ) : null}
    </Dialog>
  );
}
