// Before the first paint: the theme and the language that were chosen, so that nothing flashes.
(() => {
  try {
    const { theme, language } = JSON.parse(localStorage.getItem("oort.preferences") || "{}");
    const root = document.documentElement;
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    const wanted = language === "en" || language === "zh" ? [language] : navigator.languages;
    root.lang = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tag === "zh") || "en";
  } catch {
    // Storage is forbidden: the system's theme and English it is.
  }
})();
