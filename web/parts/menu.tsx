"use client";

import * as Radix from "@radix-ui/react-dropdown-menu";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "center" | "end";
  /** Stands at the end of the screen: what its button is in would cut it off. */
  apart?: boolean;
}

/** A menu behind a button; open when it appears (see `OnIntent`). Not modal: a modal one writes style elements, which the Content-Security-Policy forbids. */
export function Menu({ trigger, children, align = "end", apart }: MenuProps) {
  const content = (
    <Radix.Content
      align={align}
      sideOffset={6}
      collisionPadding={8}
      className="z-50 min-w-52 animate-appear rounded-xl border border-line bg-raised p-1.5 shadow-pop"
    >
      {children}
    </Radix.Content>
  );
  return (
    <Radix.Root modal={false} defaultOpen>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      {apart ? <Radix.Portal container={document.querySelector("main")}>{content}</Radix.Portal> : content}
    </Radix.Root>
  );
}

interface MenuItemProps {
  icon: LucideIcon;
  onSelect: () => void;
  children: ReactNode;
  "data-testid"?: string;
  "data-action"?: string;
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

/** A row of small things to choose from, in a menu. */
export function MenuChoices({ children }: { children: ReactNode }) {
  return <Radix.Group className="mb-1 flex justify-between border-line border-b pb-1">{children}</Radix.Group>;
}

interface MenuChoiceProps {
  label: string;
  checked: boolean;
  onSelect: () => void;
  children: ReactNode;
  "data-testid"?: string;
}

export function MenuChoice({ label, checked, onSelect, children, ...rest }: MenuChoiceProps) {
  return (
    <Radix.CheckboxItem
      aria-label={label}
      checked={checked}
      onSelect={onSelect}
      className="flex size-9 select-none items-center justify-center rounded-lg font-emoji text-xl outline-none data-[state=checked]:bg-accent-soft data-highlighted:bg-hover pointer-coarse:size-11"
      {...rest}
    >
      {children}
    </Radix.CheckboxItem>
  );
}
