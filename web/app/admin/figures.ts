/** Numbers as people read them. The units are those of every language. */

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

const NOTHING = "–";

export function count(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  return Math.abs(value) < 100 ? fine.format(value) : whole.format(value);
}

/** A length of time: 0.4 ms, 12 ms, 3.2 s, 4 min, 5 h, 6 d. */
export function span(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return NOTHING;
  const steps: [number, string][] = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1000, "s"],
  ];
  for (const [size, unit] of steps) {
    if (ms >= size) return `${fine.format(unit === "s" ? ms / size : Math.floor(ms / size))} ${unit}`;
  }
  return `${fine.format(Math.max(0, ms))} ms`;
}

export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${fine.format(size)} ${units[unit]}`;
}

export function percent(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? NOTHING : `${whole.format(value)} %`;
}
