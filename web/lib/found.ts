import type { Change, FoundMessage } from "./oort";

/** What was heard of messages since they were found, by {@link keyOf}. */
export type Heard = ReadonlyMap<string, { changeSeq: number; content: string | null }>;

export function keyOf(conversationId: string, seq: number): string {
  return `${conversationId} ${seq}`;
}

/** The text of a message after a change; null: nothing of it is left. Undefined: the change is of something else. */
export function contentAfter({ kind, content }: Change): string | null | undefined {
  if (kind === "edited") return content;
  return kind === "recalled" || kind === "erased" || kind === "expired" ? null : undefined;
}

/** Found messages as they are now. Where the words are in another text is not known. */
export function foundNow(results: readonly FoundMessage[], heard: Heard, nowMs: number): readonly FoundMessage[] {
  return results.flatMap((found) => {
    const { message, conversationId } = found;
    const last = heard.get(keyOf(conversationId, message.seq));
    const isNews = last !== undefined && last.changeSeq > (message.changeSeq ?? 0);
    if ((message.expiresAtMs ?? Number.POSITIVE_INFINITY) <= nowMs || (isNews && last.content === null)) return [];
    return [isNews ? { ...found, message: { ...message, content: last.content ?? "" }, ranges: [] } : found];
  });
}
