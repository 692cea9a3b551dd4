import { guarded } from "../stores.js";
import type { Events } from "../types.js";

type Listener<K extends keyof Events> = (event: Events[K]) => void;

/** Events by name. */
export class Emitter {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  on<K extends keyof Events>(name: K, fn: Listener<K>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    const listener: Listener<K> = (event) => fn(event);
    listeners.add(listener as Listener<never>);
    return () => listeners.delete(listener as Listener<never>);
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])])
      guarded(() => (listener as Listener<K>)(event));
  }
}
