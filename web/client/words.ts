import { wordsOf } from "./language";

// As scripts/words.mjs compiled them; the formatter without a parser understands these (next.config.ts).
export const words = wordsOf({
  en: () => import("@/messages/compiled/en.json"),
  zh: () => import("@/messages/compiled/zh.json"),
});
