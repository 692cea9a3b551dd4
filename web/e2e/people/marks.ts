import type { Page } from "@playwright/test";

/** From now on it is remembered which messages the reader is brought to: they are marked for a moment only. */
export async function noteMarks(page: Page): Promise<void> {
  await page.evaluate(() => {
    const marks = new Set<string>();
    const note = () => {
      for (const row of document.querySelectorAll("[data-marked]")) marks.add(row.getAttribute("data-seq") ?? "");
    };
    const options = { subtree: true, childList: true, attributes: true, attributeFilter: ["data-marked"] };
    new MutationObserver(note).observe(document.body, options);
    (window as unknown as Noted).marks = marks;
  });
}

/** The `seq` of every message that was marked since. */
export function marked(page: Page): Promise<string[]> {
  return page.evaluate(() => [...(window as unknown as Noted).marks]);
}

interface Noted {
  marks: Set<string>;
}
