"use client";

import { Crown, type LucideIcon, MicOff, ShieldMinus, ShieldPlus, UserMinus, Volume2 } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { MemberAction } from "@/lib/groups";
import { testids } from "@/lib/testids";
import { Menu, MenuItem } from "@/parts/menu";

const icons: Record<MemberAction, LucideIcon> = {
  promote: ShieldPlus,
  demote: ShieldMinus,
  handOver: Crown,
  mute: MicOff,
  unmute: Volume2,
  remove: UserMinus,
};

interface MemberMenuProps {
  trigger: ReactNode;
  actions: readonly MemberAction[];
  onAction: (action: MemberAction) => void;
}

/** What can be done to a member. */
export default function MemberMenu({ trigger, actions, onAction }: MemberMenuProps) {
  const t = useTranslations("group");
  return (
    <Menu trigger={trigger} apart>
      {actions.map((action) => (
        <MenuItem
          key={action}
          icon={icons[action]}
          data-testid={action === "remove" ? testids.removeMember : testids.memberAction}
          data-action={action}
          onSelect={() => onAction(action)}
        >
          {t(`actions.${action}`)}
        </MenuItem>
      ))}
    </Menu>
  );
}
