"use client";

import * as Radix from "@radix-ui/react-radio-group";
import type { LucideIcon } from "lucide-react";

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string; icon?: LucideIcon; lang?: string }[];
  onChange: (value: T) => void;
  testid: string;
}

/** One of a few, all in sight. */
export function Choice<T extends string>({ label, value, options, onChange, testid }: ChoiceProps<T>) {
  return (
    <Radix.Root
      aria-label={label}
      value={value}
      onValueChange={(next) => onChange(next as T)}
      className="inline-flex flex-wrap gap-1 rounded-xl bg-sunken p-1"
    >
      {options.map(({ value: option, label: text, icon: Icon, lang }) => (
        <Radix.Item
          key={option}
          value={option}
          lang={lang}
          data-testid={testid}
          data-value={option}
          className="flex h-8 items-center gap-2 rounded-lg px-3 text-muted text-sm transition-colors hover:text-text data-[state=checked]:bg-accent-soft data-[state=checked]:font-medium data-[state=checked]:text-accent-text pointer-coarse:h-10"
        >
          {Icon ? <Icon aria-hidden="true" className="size-4" /> : null}
          {text}
        </Radix.Item>
      ))}
    </Radix.Root>
  );
}
