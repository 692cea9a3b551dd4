const ALPHABET = "0123456789abcdefghijklmnopqrstuv";

/** An id that nobody else has, 20 characters. */
export function uniqueId(): string {
  // Not randomUUID: pages without TLS lack it.
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  return Array.from(bytes, (byte) => ALPHABET[byte & 31]).join("");
}
