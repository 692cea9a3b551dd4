/** Units of what remains, the largest first; less than one of them is told in seconds. */
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;
const SECONDS = ["second", 1000] as const;

export type RemainingUnit = (typeof UNITS)[number][0] | (typeof SECONDS)[0];

/** A time that remains in its largest unit, rounded up: never "0 s" before the end. */
export function remainingOf(ms: number): { count: number; unit: RemainingUnit } {
  const [unit, unitMs] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? SECONDS;
  return { count: Math.max(1, Math.ceil(ms / unitMs)), unit };
}
