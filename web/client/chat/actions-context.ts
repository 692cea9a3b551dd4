import { createContext } from "react";
import type { MessageAction } from "@/lib/actions";
import type { Shown } from "@/lib/attachments";
import type { LogItem, Message } from "@/lib/oort";

/** What rows can have done to their messages. */
export interface MessageActions {
  offered: (item: LogItem) => readonly MessageAction[];
  act: (item: Message, action: Exclude<MessageAction, "react">) => void;
  react: (item: Message, emoji: string, active: boolean) => void;
  /** Shows the message with this `seq`. */
  jump: (seq: number) => void;
  /** Shows a picture as large as can be. */
  view: (picture: Shown) => void;
  /** It speaks to the reader. */
  calls: (item: Message) => boolean;
}

export const ActionsContext = createContext<MessageActions>({
  offered: () => [],
  act: () => {},
  react: () => {},
  jump: () => {},
  view: () => {},
  calls: () => false,
});
