import { expect } from "@playwright/test";
import type { Bot } from "../servers/bot";

/** What was just sent is found a moment later. */
export async function isIndexed(one: Bot, word: string, count: number): Promise<void> {
  const found = async () => (await one.call("GET", `/api/search?q=${word}&limit=100`)).results.length;
  await expect.poll(found).toBe(count);
}
