import type { User } from "./oort";

/** Stands for everybody in a group. */
export const everyoneId = "everyone";
/** Id of the list in the page that names are chosen from. */
export const mentionListId = "mention-list";

/** What is being typed after an @. */
export interface MentionQuery {
  /** Where its @ stands. */
  at: number;
  query: string;
}

/** Longest name that is looked for. */
const queryCharsMax = 40;

/** The @ before the caret that a name is being typed after; one inside a word, as in an address, is none. */
export function mentionQuery(text: string, caret: number): MentionQuery | null {
  const before = text.slice(Math.max(0, caret - queryCharsMax - 1), caret);
  const match = /(?:^|[^\p{L}\p{N}_.@-])@([^\s@]*)$/u.exec(before);
  if (!match) return null;
  const query = match[1] ?? "";
  return { at: caret - query.length - 1, query };
}

/** The text with a name in the place of what was typed of it, and where the caret stands then. */
export function withMention(text: string, { at, query }: MentionQuery, name: string) {
  const said = `@${name} `;
  const after = text.slice(at + 1 + query.length).replace(/^ /u, "");
  return { text: text.slice(0, at) + said + after, caret: at + said.length };
}

/** Ids of those of the chosen people whose names still stand in the text. */
export function mentioned(text: string, chosen: readonly User[]): string[] {
  const ids = chosen.filter(({ username }) => names(text, username)).map(({ id }) => id);
  return [...new Set(ids)];
}

/** Whether a text speaks to this name: longer names that begin so are others. */
export function names(text: string, name: string): boolean {
  for (let at = text.indexOf(`@${name}`); at >= 0; at = text.indexOf(`@${name}`, at + 1)) {
    const next = text.slice(at + 1 + name.length, at + 3 + name.length);
    if (!/^[\p{L}\p{N}_]/u.test(next)) return true;
  }
  return false;
}

/** A piece of a text; `called`: it is a name that is spoken to. */
export interface Called {
  text: string;
  called: boolean;
}

/** A text with the names in it that follow an @. */
export function calls(text: string): Called[] {
  const parts: Called[] = [];
  let from = 0;
  for (const match of text.matchAll(/(?<![\p{L}\p{N}_.@-])@[\p{L}\p{N}_][\p{L}\p{N}_.-]*/gu)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), called: false });
    parts.push({ text: match[0], called: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), called: false });
  return parts;
}

/** Members to offer for what was typed: names that begin so first, then those that have it elsewhere. */
export function offeredFor(query: string, members: readonly User[], max: number): User[] {
  const wanted = query.toLocaleLowerCase();
  const begin: User[] = [];
  const inside: User[] = [];
  for (const user of members) {
    const at = user.username.toLocaleLowerCase().indexOf(wanted);
    if (at === 0) begin.push(user);
    else if (at > 0) inside.push(user);
  }
  const byName = (a: User, b: User) => a.username.localeCompare(b.username);
  return [...begin.sort(byName), ...inside.sort(byName)].slice(0, max);
}
