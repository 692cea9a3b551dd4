/** After what is held has left an element: it may have entered another one inside. */
const leftMs = 100;
/** Browsers tell at least this often that it is still there. */
const silentMs = 1500;

/**
 * Whether something is held above. Entering and leaving are told of each element inside, and not of those that vanish meanwhile: so it is gone
 * when nothing was heard of it for a moment.
 */
export class Hover {
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #tell: (isHeld: boolean) => void;

  constructor(tell: (isHeld: boolean) => void) {
    this.#tell = tell;
  }

  over = (): void => {
    this.#tell(true);
    this.#goneIn(silentMs);
  };

  left = (): void => this.#goneIn(leftMs);

  end = (): void => {
    clearTimeout(this.#timer);
    this.#tell(false);
  };

  #goneIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.end, ms);
  }
}
