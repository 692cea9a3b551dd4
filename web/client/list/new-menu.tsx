"use client";

import { Hash, MessageCircle, Users } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { Menu, MenuItem } from "@/parts/menu";
import type { DialogName } from "../shell/shell";

/** What can be begun. */
export default function NewMenu({ trigger, onDialog }: { trigger: ReactNode; onDialog: (name: DialogName) => void }) {
  const t = useTranslations("list");
  return (
    <Menu trigger={trigger}>
      <MenuItem icon={MessageCircle} data-testid={testids.newDirect} onSelect={() => onDialog("direct")}>
        {t("newDirect")}
      </MenuItem>
      <MenuItem icon={Users} data-testid={testids.newGroup} onSelect={() => onDialog("group")}>
        {t("newGroup")}
      </MenuItem>
      <MenuItem icon={Hash} data-testid={testids.newRoom} onSelect={() => onDialog("room")}>
        {t("newRoom")}
      </MenuItem>
    </Menu>
  );
}
