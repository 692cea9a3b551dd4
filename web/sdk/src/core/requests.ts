import { OortError } from "../error.js";
import type { ClientFrame, ServerFrame } from "../generated/oort_v1.js";
import { TIMES } from "../limits.js";

/** Types of frames that are answered. */
type Asking = Extract<ClientFrame, { payload: { requestId?: string } }>;

interface Answer {
  readonly resolve: (frame: ServerFrame) => void;
  readonly reject: (error: OortError) => void;
  readonly deadlineMs: number;
}

/** Frames under way that wait for their answers. */
export class Requests {
  #count = 0;
  readonly #answers = new Map<string, Answer>();

  constructor(
    /** Makes the ids of this tab different from those of others on the same connection. */
    readonly tab: string,
    readonly send: (frame: ClientFrame) => boolean,
  ) {}

  /** Sends a frame; resolves with what answers it. Rejects when it is refused, late, or there is no way. */
  ask<T extends Asking["type"]>(
    type: T,
    payload: Omit<Extract<Asking, { type: T }>["payload"], "requestId">,
  ): Promise<ServerFrame> {
    return new Promise((resolve, reject) => {
      const requestId = `${this.tab}-${++this.#count}`;
      const frame = { type, payload: { ...payload, requestId } } as Asking;
      if (!this.send(frame)) return reject(offline());
      this.#answers.set(requestId, { resolve, reject, deadlineMs: Date.now() + TIMES.answerMs });
    });
  }

  /** A frame came that may be an answer. */
  answered(frame: ServerFrame): void {
    const { requestId } = frame.payload as { requestId?: string };
    const answer = requestId === undefined ? undefined : this.#answers.get(requestId);
    if (requestId === undefined || !answer) return;
    this.#answers.delete(requestId);
    if (frame.type !== "error") return answer.resolve(frame);
    const { code, message, retryAfterMs } = frame.payload;
    answer.reject(new OortError(code, message, retryAfterMs));
  }

  /** Gives up what is overdue. */
  tick(): void {
    const now = Date.now();
    for (const [id, { deadlineMs, reject }] of this.#answers) {
      if (deadlineMs > now) continue;
      this.#answers.delete(id);
      reject(new OortError("timeout", "the server did not answer in time; try again"));
    }
  }

  /** The way is gone: there will be no answers. */
  interrupted(): void {
    const answers = [...this.#answers.values()];
    this.#answers.clear();
    for (const { reject } of answers) reject(offline());
  }
}

function offline(): OortError {
  return new OortError("offline", "there is no connection; try again when there is");
}
