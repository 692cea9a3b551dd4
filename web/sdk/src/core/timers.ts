/** Timers by name. */
export class Timers {
  readonly #set = new Map<string, { timer: ReturnType<typeof setTimeout>; atMs: number }>();

  /** Calls `fn` after `ms`, once, however often it is asked for; an earlier time wins. */
  soon(name: string, ms: number, fn: () => void): void {
    const atMs = Date.now() + ms;
    const old = this.#set.get(name);
    if (old && old.atMs <= atMs) return;
    clearTimeout(old?.timer);
    const timer = setTimeout(() => {
      this.#set.delete(name);
      fn();
    }, ms);
    this.#set.set(name, { timer, atMs });
  }

  cancel(name: string): void {
    clearTimeout(this.#set.get(name)?.timer);
    this.#set.delete(name);
  }

  clear(): void {
    for (const { timer } of this.#set.values()) clearTimeout(timer);
    this.#set.clear();
  }
}
