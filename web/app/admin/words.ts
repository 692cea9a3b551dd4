import { wordsOf } from "@/client/language";

export const words = wordsOf({
  en: () => import("@/messages/compiled/admin/en.json"),
  zh: () => import("@/messages/compiled/admin/zh.json"),
});
