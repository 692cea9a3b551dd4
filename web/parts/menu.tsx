"use client";

import * as Radix from "@radix-ui/react-dropdown-menu";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end";
}

/** A menu behind a button; open when it appears (see `OnIntent`). Not modal: a modal one writes style elements, which the Content-Security-Policy forbids. */
export function Menu({ trigger, children, align = "end" }: MenuProps) {
  return (
    <Radix.Root modal={false} defaultOpen>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Content
        align={align}
        sideOffset={6}
        collisionPadding={8}
        className="z-50 min-w-52 animate-appear rounded-xl border border-line bg-raised p-1.5 shadow-pop"
      >
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}

interface MenuItemProps {
  icon: LucideIcon;
  onSelect: () => void;
  children: ReactNode;
  "data-testid"?: string;
}

export function MenuItem({ icon: Icon, onSelect, children, ...rest }: MenuItemProps) {
  return (
    <Radix.Item
      onSelect={onSelect}
      className="flex h-9 select-none items-center gap-3 rounded-lg px-2.5 outline-none data-highlighted:bg-hover pointer-coarse:h-11"
      {...rest}
    >
      <Icon aria-hidden="true" className="size-4.5 text-muted" />
      {children}
    </Radix.Item>
  );
}
