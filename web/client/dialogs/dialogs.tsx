"use client";

import { type FormEvent, useState } from "react";
import { useTranslations } from "use-intl";
import { keptOf } from "@/lib/kept";
import type { User } from "@/lib/oort";
import { navigate } from "@/lib/routes";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { Dialog } from "@/parts/dialog";
import { Field } from "@/parts/field";
import { Notice } from "@/parts/notice";
import { AskDialog } from "../contacts/ask";
import { useRefusalText } from "../refusal";
import { useClient, useMe } from "../session";
import type { DialogName } from "../shell/shell";
import { ChoosePeople } from "./choose-people";
import { Keys } from "./keys";

interface DialogsProps {
  name: DialogName;
  onClose: () => void;
}

/** Everything that is asked in a window of its own. */
export default function Dialogs({ name, onClose }: DialogsProps) {
  switch (name) {
    case "direct":
      return <NewDirect onClose={onClose} />;
    case "group":
      return <NewGroup onClose={onClose} />;
    case "room":
      return <NewRoom onClose={onClose} />;
    case "contact":
      return <AskDialog onClose={onClose} />;
    case "keys":
      return <Keys onClose={onClose} />;
  }
}

const nameCharsMax = 64;

/** Makes a conversation, opens it, and closes the dialog; or says why not. */
function useCreate(onClose: () => void) {
  const me = useMe();
  const refusalText = useRefusalText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function create(make: () => Promise<{ id: string }>) {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const { id } = await make();
      keptOf(me.id).touch(id);
      onClose();
      navigate({ screen: "chat", conversation: id, info: false });
    } catch (refused) {
      setError(refusalText(refused));
      setBusy(false);
    }
  }
  return { busy, error, create };
}

function NewDirect({ onClose }: { onClose: () => void }) {
  const t = useTranslations("dialogs");
  const client = useClient();
  const { error, create } = useCreate(onClose);
  return (
    <Dialog title={t("direct")} closeLabel={t("close")} onClose={onClose}>
      <ChoosePeople chosen={[]} onChange={() => {}} onPick={(user) => create(() => client.openDirect(user.id))} />
      <Notice testid={testids.dialogError}>{error}</Notice>
    </Dialog>
  );
}

function NewGroup({ onClose }: { onClose: () => void }) {
  const t = useTranslations("dialogs");
  const client = useClient();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const { busy, error, create } = useCreate(onClose);
  const ids = chosen.map(({ id }) => id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) void create(() => client.createGroup(name.trim(), ids));
  };
  return (
    <Dialog title={t("group")} closeLabel={t("close")} onClose={onClose}>
      <form onSubmit={submit} className="flex min-h-0 flex-col gap-4">
        <Field
          data-testid={testids.nameField}
          label={t("groupName")}
          value={name}
          maxLength={nameCharsMax}
          autoComplete="off"
          autoFocus
          required
          onChange={(event) => setName(event.target.value)}
        />
        <ChoosePeople chosen={chosen} onChange={setChosen} second />
        <Notice testid={testids.dialogError}>{error}</Notice>
        <Button kind="primary" type="submit" busy={busy} disabled={!name.trim()} data-testid={testids.dialogSubmit}>
          {t("createGroup", { count: chosen.length + 1 })}
        </Button>
      </form>
    </Dialog>
  );
}

function NewRoom({ onClose }: { onClose: () => void }) {
  const t = useTranslations("dialogs");
  const client = useClient();
  const [name, setName] = useState("");
  const { busy, error, create } = useCreate(onClose);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) void create(() => client.createRoom(name.trim()));
  };
  return (
    <Dialog title={t("room")} closeLabel={t("close")} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field
          data-testid={testids.nameField}
          label={t("roomName")}
          hint={t("roomHint")}
          value={name}
          maxLength={nameCharsMax}
          autoComplete="off"
          autoFocus
          required
          onChange={(event) => setName(event.target.value)}
        />
        <Notice testid={testids.dialogError}>{error}</Notice>
        <Button kind="primary" type="submit" busy={busy} disabled={!name.trim()} data-testid={testids.dialogSubmit}>
          {t("createRoom")}
        </Button>
      </form>
    </Dialog>
  );
}
