/** Days since 1970 in the reader's time zone: two messages with different ones have a day separator between them. */
export function dayOf(atMs: number): number {
  const at = new Date(atMs);
  return Math.round(Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000);
}

/** Texts of times in one language. The formatters are made once: making them is dear. */
export class Clock {
  readonly #time: Intl.DateTimeFormat;
  readonly #weekday: Intl.DateTimeFormat;
  readonly #dayThisYear: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #short: Intl.DateTimeFormat;
  readonly #full: Intl.DateTimeFormat;
  readonly #relative: Intl.RelativeTimeFormat;
  readonly #locale: string;
  #moment?: Intl.DateTimeFormat;

  constructor(locale: string) {
    this.#locale = locale;
    this.#time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.#weekday = new Intl.DateTimeFormat(locale, { weekday: "short" });
    this.#dayThisYear = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
    this.#day = new Intl.DateTimeFormat(locale, { year: "numeric", day: "numeric", month: "long" });
    this.#short = new Intl.DateTimeFormat(locale, { year: "2-digit", month: "numeric", day: "numeric" });
    this.#full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  }

  /** 14:05 */
  time(atMs: number): string {
    return this.#time.format(atMs);
  }

  /** For a title: everything. */
  full(atMs: number): string {
    return this.#full.format(atMs);
  }

  /** For a record: 20 May 2026, 14:05:09. Made when it is first wanted: few pages want it. */
  moment(atMs: number): string {
    this.#moment ??= new Intl.DateTimeFormat(this.#locale, { dateStyle: "medium", timeStyle: "medium" });
    return this.#moment.format(atMs);
  }

  /** Today, yesterday, Monday 3 March, 3 March 2023. */
  day(atMs: number, nowMs: number): string {
    const ago = dayOf(nowMs) - dayOf(atMs);
    if (ago === 0 || ago === 1) return capitalised(this.#relative.format(-ago, "day"));
    return new Date(atMs).getFullYear() === new Date(nowMs).getFullYear()
      ? this.#dayThisYear.format(atMs)
      : this.#day.format(atMs);
  }

  /** For a list: 14:05 of today, yesterday, a weekday of the last six days, else the date. */
  brief(atMs: number, nowMs: number): string {
    const ago = dayOf(nowMs) - dayOf(atMs);
    if (ago <= 0) return this.time(atMs);
    if (ago === 1) return capitalised(this.#relative.format(-1, "day"));
    return ago < 7 ? this.#weekday.format(atMs) : this.#short.format(atMs);
  }

  /** 5 minutes ago, 3 hours ago, 2 days ago. */
  ago(atMs: number, nowMs: number): string {
    const minutes = Math.max(0, Math.round((nowMs - atMs) / 60_000));
    if (minutes < 60) return this.#relative.format(-minutes, "minute");
    if (minutes < 24 * 60) return this.#relative.format(-Math.floor(minutes / 60), "hour");
    return this.#relative.format(-Math.max(1, dayOf(nowMs) - dayOf(atMs)), "day");
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
