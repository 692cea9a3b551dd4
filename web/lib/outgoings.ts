import type { Outgoing } from "./outgoing";

/** What is on its way in each conversation: it goes on while one looks at another one. */
export class Outgoings {
  readonly #known = new Map<string, Outgoing>();
  readonly #hold: (holds: boolean) => void;

  /** `hold` hears whether files wait in any of them. */
  constructor(hold: (holds: boolean) => void) {
    this.#hold = hold;
  }

  of(key: string, make: () => Outgoing): Outgoing {
    let outgoing = this.#known.get(key);
    if (!outgoing) {
      // Empty ones are made anew at no cost.
      for (const [other, { tray, get }] of this.#known)
        if (tray.get().length === 0 && get().error === undefined) this.#known.delete(other);
      outgoing = make();
      outgoing.tray.subscribe(() => this.#hold([...this.#known.values()].some(({ tray }) => tray.get().length > 0)));
      this.#known.set(key, outgoing);
    }
    return outgoing;
  }
}
