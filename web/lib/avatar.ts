import { graphemes } from "./text/emoji";

/** How many tints there are: `.tint-0` … in the style sheet. */
export const tints = 6;

/** The letter on an avatar. */
export function initial(name: string): string {
  return graphemes(name.trim())[0]?.toLocaleUpperCase() ?? "?";
}

/** The same colour for the same id, everywhere. */
export function tint(id: string): number {
  let hash = 7;
  for (let at = 0; at < id.length; at++) hash = (hash * 31 + id.charCodeAt(at)) | 0;
  return Math.abs(hash) % tints;
}
