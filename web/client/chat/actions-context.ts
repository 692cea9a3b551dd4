import { createContext } from "react";
import type { MessageAction } from "@/lib/actions";
import type { LogItem, Message } from "@/lib/oort";

/** What rows can have done to their messages. */
export interface MessageActions {
  offered: (item: LogItem) => readonly MessageAction[];
  act: (item: Message, action: Exclude<MessageAction, "react">) => void;
  react: (item: Message, emoji: string, active: boolean) => void;
}

export const ActionsContext = createContext<MessageActions>({ offered: () => [], act: () => {}, react: () => {} });
