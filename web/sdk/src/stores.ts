import type { Store } from "./types.js";

let depth = 0;
const changed = new Set<Base<unknown>>();

/** Runs `fn`; who watches is told afterwards, once, however much has changed. */
export function batch<T>(fn: () => T): T {
  depth++;
  try {
    return fn();
  } finally {
    depth--;
    while (depth === 0 && changed.size > 0) {
      const now = [...changed];
      changed.clear();
      for (const store of now) store.tell();
    }
  }
}

/** Calls `fn` of a user of the SDK: its fault must not stop what called, the page's own handler hears of it. */
export function guarded(fn: () => void): void {
  try {
    fn();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

abstract class Base<T> implements Store<T> {
  readonly #watchers = new Set<() => void>();

  constructor(readonly onWatched?: (isWatched: boolean) => void) {}

  abstract get(): T;

  subscribe = (fn: () => void): (() => void) => {
    const watcher = () => fn();
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.onWatched?.(true);
    return () => {
      if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.onWatched?.(false);
    };
  };

  tell(): void {
    for (const watcher of [...this.#watchers]) guarded(watcher);
  }

  protected mark(): void {
    changed.add(this as Base<unknown>);
    if (depth === 0) batch(() => {});
  }
}

/** A value. */
export class Cell<T> extends Base<T> {
  #value: T;

  constructor(value: T, onWatched?: (isWatched: boolean) => void) {
    super(onWatched);
    this.#value = value;
  }

  get = (): T => this.#value;

  set(value: T): void {
    if (Object.is(this.#value, value)) return;
    this.#value = value;
    this.mark();
  }
}

/** A value that is computed when somebody looks. */
export class Derived<T> extends Base<T> {
  #value: T | undefined;
  #isStale = true;

  constructor(
    readonly compute: () => T,
    onWatched?: (isWatched: boolean) => void,
  ) {
    super(onWatched);
  }

  get = (): T => {
    if (this.#isStale) {
      this.#value = this.compute();
      this.#isStale = false;
    }
    return this.#value as T;
  };

  /** What it is computed from has changed. */
  invalidate(): void {
    this.#isStale = true;
    this.mark();
  }
}
