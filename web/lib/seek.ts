/** The way up to a message. */
export interface Way {
  /** It is among what is here. */
  isThere(): boolean;
  /** Fetches a page further up; `false`: there are no more. */
  loadOlder(): Promise<boolean>;
}

/** Goes up, at most so many pages, until it is there or it is called off. A page that does not come ends it. */
export async function seek(way: Way, pagesMax: number, signal: AbortSignal): Promise<"there" | "lost" | "off"> {
  try {
    for (let page = 0; page < pagesMax && !way.isThere() && !signal.aborted; page++)
      if (!(await way.loadOlder())) break;
  } catch {
    // What failed is told by the connection bar.
  }
  if (signal.aborted) return "off";
  return way.isThere() ? "there" : "lost";
}

/** Whether a key calls off a way that is gone: Escape, or one that scrolls in what is read. */
export function callsOff(key: string, inList: boolean): boolean {
  return key === "Escape" || (inList && /^(Arrow(Up|Down)|Page(Up|Down)|Home|End| )$/.test(key));
}
