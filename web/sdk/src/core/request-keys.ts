import { uniqueId } from "./random.js";

/**
 * Keys of requests that would do something once more when made again. Whoever got no answer and asks for the same again does
 * so under the same key, and the server does nothing a second time.
 */
export class RequestKeys {
  #open: { content: string; key: string } | null = null;

  /** Makes a request; `content` is what it asks for. Once it is answered, the next one is another. */
  async under<T>(content: unknown, call: (headers: { "idempotency-key": string }) => Promise<T>): Promise<T> {
    const text = JSON.stringify(content);
    if (this.#open?.content !== text) this.#open = { content: text, key: uniqueId() };
    const open = this.#open;
    const answer = await call({ "idempotency-key": open.key });
    if (this.#open === open) this.#open = null;
    return answer;
  }
}
