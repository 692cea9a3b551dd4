"use client";

import { type KeyboardEvent, type ReactNode, useId } from "react";

interface TabsProps<T extends string> {
  label: string;
  value: T;
  onChange: (value: T) => void;
  tabs: readonly { value: T; label: ReactNode; testid: string }[];
  children: ReactNode;
}

/** A few views of the same place; arrows go from one to the next. */
export function Tabs<T extends string>({ label, value, onChange, tabs, children }: TabsProps<T>) {
  const id = useId();

  function keys(event: KeyboardEvent<HTMLElement>) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.value === value);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    onChange(next.value);
    event.currentTarget.querySelector<HTMLElement>(`[data-value="${next.value}"]`)?.focus();
  }

  return (
    <>
      <div
        role="tablist"
        aria-label={label}
        tabIndex={-1}
        onKeyDown={keys}
        className="flex shrink-0 gap-4 border-line border-b px-4"
      >
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            id={`${id}-${tab.value}`}
            aria-selected={tab.value === value}
            aria-controls={`${id}-view`}
            tabIndex={tab.value === value ? 0 : -1}
            data-testid={tab.testid}
            data-value={tab.value}
            onClick={() => onChange(tab.value)}
            className="-mb-px flex h-9 items-center gap-1.5 border-transparent border-b-2 font-medium text-muted text-sm transition-colors hover:text-text aria-selected:border-accent aria-selected:text-text pointer-coarse:h-11"
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}-view`}
        aria-labelledby={`${id}-${value}`}
        className="flex min-h-0 flex-1 flex-col overflow-y-auto overscroll-contain p-2"
      >
        {children}
      </div>
    </>
  );
}
