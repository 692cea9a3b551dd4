const pictures =
  /^(?:(?:\p{Extended_Pictographic}|\p{Emoji_Presentation}|\p{Regional_Indicator}|[\d#*]\ufe0f?\u20e3)(?:\ufe0f|\u200d|[\u{1f3fb}-\u{1f3ff}]|[\u{e0020}-\u{e007f}])*|\s)+$/u;
const picturesMax = 6;

/** Whether a message is a few emoji and nothing else; such a message is shown large. */
export function isEmojiOnly(content: string): boolean {
  // 6 family emoji have fewer than 80 UTF-16 units: long texts are not looked at twice.
  if (content.length > 80 || !/\S/u.test(content) || !pictures.test(content)) return false;
  return graphemes(content.replace(/\s/gu, "")).length <= picturesMax;
}

/** What a reader takes for the characters of a text. */
export function graphemes(text: string): string[] {
  if (typeof Intl.Segmenter !== "function") return Array.from(text);
  return Array.from(new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text), (part) => part.segment);
}
