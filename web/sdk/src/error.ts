/** A refusal: `code` is stable, `message` is for people. */
export class OortError extends Error {
  override readonly name = "OortError";
  constructor(
    /** A code of the server, or of the SDK: `offline`, `timeout`, `outbox_full`, `invalid_field`, `stopped`. */
    readonly code: string,
    message: string,
    /** The same may go through after this time. */
    readonly retryAfterMs?: number,
    /** HTTP status, when there was one. */
    readonly status?: number,
  ) {
    super(message);
  }
}
