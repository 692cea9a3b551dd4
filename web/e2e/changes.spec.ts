import type { Locator } from "@playwright/test";
import type { Chat } from "./people/chat";
import { expect, test } from "./people/test";

/** The row of a message with this text. */
const row = (chat: Chat, text: string) => chat.at("message").filter({ has: chat.messages(text) });

/** Opens what can be done to a message. */
async function openActions(message: Locator, chat: Chat): Promise<void> {
  await message.hover();
  await message.getByRole("button", { name: "Message actions" }).click();
  await expect(chat.page.getByRole("menu")).toBeVisible();
}

async function act(chat: Chat, text: string, action: "copy" | "edit" | "recall"): Promise<void> {
  await openActions(row(chat, text), chat);
  await chat
    .at("messageAction")
    .and(chat.page.locator(`[data-action="${action}"]`))
    .click();
}

test("a message is edited, reacted to and taken back, and everybody sees it so", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("See you at fvie");
  await ann.chat.hasStored("See you at fvie");
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("See you at fvie");

  await act(ann.chat, "See you at fvie", "edit");
  await expect(ann.chat.at("composerText")).toHaveValue("See you at fvie");
  await ann.chat.write("See you at five");
  for (const { chat } of [ann, bob]) {
    await chat.shows("See you at five");
    await expect(row(chat, "See you at five").getByText("edited")).toBeVisible();
  }
  await expect(ann.chat.at("composerText")).toHaveValue("");
  await expect(bob.chat.entry(ann.username)).toContainText("See you at five");

  await openActions(row(bob.chat, "See you at five"), bob.chat);
  await bob.chat.at("reactionChoice").filter({ hasText: "👍" }).click();
  for (const { chat } of [ann, bob]) await expect(chat.at("reaction")).toHaveText("👍1");
  await expect(bob.chat.at("reaction")).toHaveAttribute("aria-pressed", "true");
  await ann.chat.at("reaction").click();
  for (const { chat } of [ann, bob]) await expect(chat.at("reaction")).toHaveText("👍2");
  await bob.chat.at("reaction").click();
  for (const { chat } of [ann, bob]) await expect(chat.at("reaction")).toHaveText("👍1");

  await act(ann.chat, "See you at five", "recall");
  for (const { chat } of [ann, bob]) {
    await expect(chat.at("messageGone")).toBeVisible();
    await expect(chat.messages("See you at five")).toHaveCount(0);
    await expect(chat.at("reaction")).toHaveCount(0);
  }
  await expect(bob.chat.entry(ann.username)).not.toContainText("five");
  // There is nothing left to do to it but to put its place out of sight.
  await openActions(ann.chat.at("message").filter({ has: ann.chat.at("messageGone") }), ann.chat);
  await expect(ann.chat.at("messageAction")).toHaveCount(1);
  await expect(ann.chat.at("messageAction")).toHaveAttribute("data-action", "hide");
});

test("what was changed while a page was closed is so when it opens", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  for (const text of ["one", "two", "three"]) await ann.chat.write(text);
  await ann.chat.hasStored("three");
  const conversation = ann.chat.conversation();
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("three");
  await bob.chat.page.close();

  await act(ann.chat, "one", "recall");
  await act(ann.chat, "two", "edit");
  await expect(ann.chat.at("composerText")).toHaveValue("two");
  await ann.chat.write("two and a half");
  await ann.chat.shows("two and a half");
  const again = await bob.device.tab();
  await again.open(conversation);
  await again.shows("two and a half");
  await expect(again.at("messageGone")).toHaveCount(1);
  await again.shows("three");
});

test("with the keyboard: the last message is taken up again, and its actions are one Tab away", async ({ signUp }) => {
  const ann = await signUp("ann");
  const bob = await signUp("bob");
  const { chat } = ann;
  const { keyboard } = chat.page;
  await chat.writeTo(bob.username);
  await chat.write("first");
  await chat.write("last");
  await chat.hasStored("last");
  await chat.at("composerText").press("ArrowUp");
  await expect(chat.at("composerText")).toHaveValue("last");
  await keyboard.press("Escape");
  await expect(chat.at("editBar")).toHaveCount(0);
  await expect(chat.at("composerText")).toHaveValue("");
  await chat.at("composerText").press("ArrowUp");
  await chat.at("composerText").fill("the very last");
  await keyboard.press("Enter");
  await chat.shows("the very last");
  await expect(chat.at("composerText")).toBeFocused();

  await chat.at("emojiToggle").focus();
  await keyboard.press("Shift+Tab");
  await expect(row(chat, "the very last").getByRole("button", { name: "Message actions" })).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(row(chat, "first").getByRole("button", { name: "Message actions" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(chat.page.getByRole("menu")).toBeFocused();
  await keyboard.press("ArrowDown");
  await expect(chat.at("reactionChoice").first()).toBeFocused();
  await keyboard.press("Enter");
  await expect(row(chat, "first").getByTestId("reaction")).toHaveText("👍1");
});
