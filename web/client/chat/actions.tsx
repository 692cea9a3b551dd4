"use client";

import { CheckCheck, Copy, EyeOff, Forward, Pencil, Reply, Undo2 } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { MessageAction } from "@/lib/actions";
import { testids } from "@/lib/testids";
import { Menu, MenuChoice, MenuChoices, MenuItem } from "@/parts/menu";

/** Reactions that are near at hand. */
const reactions = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

interface ActionsProps {
  trigger: ReactNode;
  actions: readonly MessageAction[];
  /** What the reader reacted already. */
  mine: readonly string[];
  onAction: (action: Exclude<MessageAction, "react">) => void;
  onReact: (emoji: string, active: boolean) => void;
}

const icons = {
  reply: Reply,
  copy: Copy,
  forward: Forward,
  readers: CheckCheck,
  edit: Pencil,
  recall: Undo2,
  hide: EyeOff,
};

/** What can be done to a message. */
export default function Actions({ trigger, actions, mine, onAction, onReact }: ActionsProps) {
  const t = useTranslations("actions");
  return (
    <Menu trigger={trigger} align="center" apart>
      {actions.map((action) =>
        action === "react" ? (
          <MenuChoices key={action}>
            {reactions.map((emoji) => (
              <MenuChoice
                key={emoji}
                label={t("react", { emoji })}
                checked={mine.includes(emoji)}
                onSelect={() => onReact(emoji, !mine.includes(emoji))}
                data-testid={testids.reactionChoice}
              >
                {emoji}
              </MenuChoice>
            ))}
          </MenuChoices>
        ) : (
          <MenuItem
            key={action}
            icon={icons[action]}
            data-testid={testids.messageAction}
            data-action={action}
            onSelect={() => onAction(action)}
          >
            {t(action)}
          </MenuItem>
        ),
      )}
    </Menu>
  );
}
