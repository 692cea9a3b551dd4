const encoder = new TextEncoder();

/** Length of a text in UTF-8, which is what the server limits. */
export function utf8Bytes(text: string): number {
  // Up to 3 bytes for each UTF-16 unit: most texts need not be encoded to know that they are short.
  return encoder.encode(text).length;
}
