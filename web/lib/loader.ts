/** A script did not come: there is no network, or a newer version has others. */
export class NotLoaded extends Error {}

/** Fetches a part of the page. That it does not come is told apart from that it is broken. */
export class Loader<T> {
  #failures = 0;
  readonly #load: () => Promise<T>;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  load = async (): Promise<T> => {
    try {
      return await this.#load();
    } catch (cause) {
      this.#failures += 1;
      throw new NotLoaded("a part of the page did not come", { cause });
    }
  };

  /** It did not come again although there is a network: only another version of the page may have it. */
  isStale(online: boolean): boolean {
    return online && this.#failures > 1;
  }
}
