/** A piece of a text; `found`: it is one of the words that were looked for. */
export interface Piece {
  text: string;
  found: boolean;
}

/** So much stands before the first word that was found. */
const beforeChars = 32;
/** Of a long text no more is shown. */
const shownChars = 160;

/** A text around the first of the words in it, in pieces. `ranges` are places as JavaScript counts; those that cannot be are passed over. */
export function excerpt(content: string, ranges: readonly (readonly [start: number, end: number])[]): Piece[] {
  const first = ranges[0]?.[0] ?? 0;
  const from = first <= beforeChars ? 0 : wordStart(content, first - beforeChars, first);
  const to = whole(content, Math.min(content.length, from + shownChars));
  const pieces: Piece[] = from > 0 ? [{ text: "…", found: false }] : [];
  const put = (start: number, end: number, found: boolean) => {
    const text = content.slice(start, end).replace(/\s+/gu, " ");
    if (text !== "") pieces.push({ text, found });
  };
  let at = from;
  for (const [start, end] of ranges) {
    if (start < at || end <= start || start >= to) continue;
    put(at, start, false);
    at = Math.min(end, to);
    put(start, at, true);
  }
  put(at, to, false);
  if (to < content.length) pieces.push({ text: "…", found: false });
  return pieces;
}

/** The start of a word at `from` or after it, not after `latest`. */
function wordStart(content: string, from: number, latest: number): number {
  const space = content.slice(from, latest).search(/\s\S/u);
  return space < 0 ? whole(content, from) : from + space + 1;
}

/** Not between the halves of a character. */
function whole(content: string, at: number): number {
  const code = content.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}
