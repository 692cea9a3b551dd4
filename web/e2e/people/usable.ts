import type { BrowserContext, Page } from "@playwright/test";
import { testids } from "../../lib/testids";

/** When a page had come so far, ms since its navigation began, by its own clock. */
export interface Usable {
  /** What was wanted is painted, and the page answers: nothing keeps its thread busy. */
  usableMs: number;
  /** The same with a live connection. Null where no connection belongs to the page. */
  onlineMs: number | null;
}

/** What has to be there: the list, the last message of the conversation that is open, and the field to write in. */
const CHAT = [testids.conversationItem, testids.message, testids.composerText];
/** Before somebody is logged in: the field to type in. */
const DOOR = [testids.logInLogin];

/** Makes every page of the context look at itself from its first moment on. */
export async function watchUsable(context: BrowserContext, page: "chat" | "door"): Promise<void> {
  const wanted = page === "chat" ? CHAT : DOOR;
  await context.addInitScript(watch, { wanted, connection: page === "chat" ? testids.connection : null });
}

/** Waits in the page, without asking it again and again. */
export function usable(page: Page): Promise<Usable> {
  return page.evaluate(() => (window as unknown as { usable: Promise<Usable> }).usable);
}

/** Runs in the page. */
function watch({ wanted, connection }: { wanted: string[]; connection: string | null }): void {
  const has = (testid: string, more = "") => document.querySelector(`[data-testid="${testid}"]${more}`) !== null;
  /** Two frames later the first of them is painted; a task after it says that the thread is free. */
  const painted = () =>
    new Promise<number>((resolve) => {
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => resolve(performance.now());
          port2.postMessage(null);
        }),
      );
    });
  const when = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const observer = new MutationObserver(() => {
        if (!isSo()) return;
        observer.disconnect();
        resolve();
      });
      observer.observe(document, { subtree: true, childList: true, attributeFilter: ["data-state", "data-testid"] });
    }).then(painted);
  (window as unknown as { usable: Promise<Usable> }).usable = Promise.all([
    when(() => wanted.every((testid) => has(testid))),
    connection === null ? null : when(() => has(connection, '[data-state="online"]')),
  ]).then(([usableMs, onlineMs]) => ({ usableMs, onlineMs }));
}
