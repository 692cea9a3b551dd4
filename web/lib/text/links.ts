/** A piece of a message: plain text, or text that is an address. */
export type Segment = { kind: "text"; text: string } | { kind: "link"; text: string; href: string };

// An address ends at white space, at quotes and at East Asian text: pasted addresses have that percent-encoded.
const address =
  /(?<![\w@.-])(?:https?:\/\/|www\.)[^\s<>"\u2018-\u201f\u3000-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]+/giu;
const closers: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

/** Splits a message into text and http(s) links. All pieces joined give the message again. */
export function segments(content: string): Segment[] {
  const found: Segment[] = [];
  let done = 0;
  for (const match of content.matchAll(address)) {
    const text = trimEnd(match[0]);
    const href = toHref(text);
    if (!href) continue;
    if (match.index > done) found.push({ kind: "text", text: content.slice(done, match.index) });
    found.push({ kind: "link", text, href });
    done = match.index + text.length;
  }
  if (done < content.length) found.push({ kind: "text", text: content.slice(done) });
  return found;
}

/** Drops what belongs to the sentence rather than to the address: a full stop, a bracket that was not opened in it. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0) {
    const last = text.charAt(end - 1);
    const opener = closers[last];
    const drop = opener ? count(text, end, last) > count(text, end, opener) : ".,;:!?'*_~`…".includes(last);
    if (!drop) break;
    end -= 1;
  }
  return text.slice(0, end);
}

function count(text: string, end: number, wanted: string): number {
  let found = 0;
  for (let at = 0; at < end; at++) if (text.charAt(at) === wanted) found += 1;
  return found;
}

function toHref(text: string): string | undefined {
  const url = URL.parse?.(/^www\./i.test(text) ? `https://${text}` : text) ?? parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || !/^(?:[^.]+\.)+[^.]+$|^localhost$|^\[/.test(url.hostname))
    return undefined;
  // A name before @ can make one address look like another: such text stays text.
  if (url.username || url.password) return undefined;
  return url.href;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(/^www\./i.test(text) ? `https://${text}` : text);
  } catch {
    return undefined;
  }
}
