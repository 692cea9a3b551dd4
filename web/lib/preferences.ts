import { saved } from "./saved";

export const themes = ["system", "light", "dark"] as const;
export const languages = ["system", "en", "zh"] as const;
export type Theme = (typeof themes)[number];
export type Language = (typeof languages)[number];
export type Locale = Exclude<Language, "system">;

export interface Preferences {
  theme: Theme;
  language: Language;
  /** While Oort is open in the background. */
  notifications: boolean;
  /** While Oort is closed. */
  push: boolean;
}

/** Read by `public/boot.js` too, before the first paint: keep the key and the field names. */
export const preferences = saved<Preferences>("oort.preferences", (stored) => {
  const given = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  return {
    theme: themes.find((theme) => theme === given.theme) ?? "system",
    language: languages.find((language) => language === given.language) ?? "system",
    notifications: given.notifications === true,
    push: given.push === true,
  };
});

export function change(part: Partial<Preferences>): void {
  preferences.set({ ...preferences.get(), ...part });
}

/** The language to speak: the chosen one, else the first of the browser's that there is. */
export function localeOf(language: Language, wanted: readonly string[]): Locale {
  if (language !== "system") return language;
  for (const tag of wanted) {
    if (/^zh\b/i.test(tag)) return "zh";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}
