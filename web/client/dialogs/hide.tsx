"use client";

import { useTranslations } from "use-intl";
import type { Conversation, Message } from "@/lib/oort";
import { SureDialog } from "./sure";

/** Removes a message for oneself. */
export default function HideDialog({
  from,
  item,
  onClose,
}: {
  from: Conversation;
  item: Message;
  onClose: () => void;
}) {
  const t = useTranslations("actions");
  return <SureDialog title={t("hide")} text={t("hideSure")} run={() => from.hide(item.seq)} onClose={onClose} />;
}
