"use client";

import { type FormEvent, useState } from "react";
import { useTranslations } from "use-intl";
import type { User } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Avatar } from "@/parts/avatar";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { ChoosePeople } from "../dialogs/choose-people";
import { useClient } from "../session";
import { useDoing, usePeople } from "./use-contacts";

/** The server's limit, in characters. */
const messageCharsMax = 200;

/** Asks somebody to be a contact; first whom, where that is open. */
export function AskDialog({ user, onClose }: { user?: User; onClose: () => void }) {
  const t = useTranslations("contacts");
  const td = useTranslations("dialogs");
  const client = useClient();
  const people = usePeople();
  const [chosen, setChosen] = useState(user);
  const [message, setMessage] = useState("");
  const { busy, error, run } = useDoing();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (chosen && (await run("ask", () => client.contacts.request(chosen.id, message.trim())))) onClose();
  };
  return (
    <Dialog title={t("add")} closeLabel={td("close")} onClose={onClose}>
      {chosen ? (
        <form onSubmit={submit} className="flex flex-col gap-4">
          <p className="flex items-center gap-3">
            <Avatar id={chosen.id} name={chosen.username} />
            <bdi className="min-w-0 truncate font-medium">{chosen.username}</bdi>
          </p>
          <Field
            label={t("message")}
            hint={t("messageHint")}
            value={message}
            maxLength={messageCharsMax}
            autoComplete="off"
            autoFocus
            data-testid={testids.requestMessage}
            onChange={(event) => setMessage(event.target.value)}
          />
          <Notice testid={testids.dialogError}>{error}</Notice>
          <Button kind="primary" type="submit" busy={busy !== null} data-testid={testids.dialogSubmit}>
            {t("send")}
          </Button>
        </form>
      ) : (
        <ChoosePeople
          chosen={[]}
          onChange={() => {}}
          onPick={setChosen}
          without={people?.contacts.map((contact) => contact.user.id) ?? []}
        />
      )}
    </Dialog>
  );
}
