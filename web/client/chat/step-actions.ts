import type { KeyboardEvent } from "react";

/** Arrows go from the actions of one message to those of the next. */
export function stepThroughActions(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const from = event.target as HTMLElement;
  if (step === undefined || event.defaultPrevented || !from.matches("[data-actions]")) return;
  const all = Array.from(event.currentTarget.querySelectorAll<HTMLElement>("[data-actions]"));
  const next = all[all.indexOf(from) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
