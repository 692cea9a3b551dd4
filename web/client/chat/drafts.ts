/** What was written and not sent, by conversation; kept while this window lives. */
const key = (id: string) => `oort.draft.${id}`;

export function draftOf(id: string): string {
  try {
    return sessionStorage.getItem(key(id)) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(id: string, text: string): void {
  try {
    if (text) sessionStorage.setItem(key(id), text);
    else sessionStorage.removeItem(key(id));
  } catch {
    // Storage is full or forbidden: the draft lives as long as its conversation is open.
  }
}
