import { expect } from "@playwright/test";
import type { Chat } from "./chat";

/** Opens the list of who has read a message with this text, by its menu. */
export async function askReaders(chat: Chat, text: string): Promise<void> {
  const row = chat.at("message").filter({ has: chat.messages(text) });
  await row.hover();
  await row.getByTestId("message-actions").click();
  await chat.page.locator('[data-action="readers"]').click();
  await expect(chat.at("readerCount").or(chat.at("dialogError"))).toBeVisible();
}
