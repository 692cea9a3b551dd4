import type { Chat } from "./people/chat";
import { expect, PASSWORD, test } from "./people/test";

/** Looks for somebody and asks them. */
async function ask(chat: Chat, username: string, message: string): Promise<void> {
  await chat.at("tabContacts").click();
  await chat.at("addContact").click();
  await chat.at("userSearch").fill(username);
  await chat.at("userResult").filter({ hasText: username }).click();
  await chat.at("requestMessage").fill(message);
  await chat.at("dialogSubmit").click();
  await expect(chat.at("dialog")).toHaveCount(0);
}

test("people ask each other, and both see what became of it at once", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const phone = await (await devices.get(0)).tab();
  await phone.logIn(bob.username, PASSWORD);
  await ask(ann.chat, bob.username, "It is me, from the club");
  await expect(ann.chat.at("sentRequest")).toContainText(bob.username);

  // Told on every device, on every page of it.
  for (const chat of [bob.chat, phone]) {
    await expect(chat.at("tabContacts")).toContainText("1");
    await chat.at("tabContacts").click();
    await expect(chat.at("request")).toContainText("It is me, from the club");
  }
  await bob.chat.at("acceptRequest").click();
  for (const chat of [bob.chat, phone]) {
    await expect(chat.at("contact")).toContainText(ann.username);
    await expect(chat.at("request")).toHaveCount(0);
  }
  await expect(ann.chat.at("contact")).toContainText(bob.username);
  await expect(ann.chat.at("sentRequest")).toHaveCount(0);

  // A contact is one step from a conversation; a note is for oneself.
  await ann.chat.at("contact").click();
  await expect(ann.chat.at("chatTitle")).toContainText(bob.username);
  await expect(ann.chat.at("tie")).toHaveAttribute("data-state", "contact");
  await ann.chat.at("remark").fill("The carpenter");
  await ann.chat.at("saveRemark").click();
  await expect(ann.chat.at("contact")).toContainText("The carpenter");
  await ann.chat.at("removeContact").click();
  await ann.chat.at("dialogSubmit").click();
  for (const chat of [ann.chat, bob.chat, phone]) await expect(chat.at("contact")).toHaveCount(0);
});

test("a request waits for who is away, and can be withdrawn", async ({ signUp }) => {
  const ann = await signUp("ann");
  const bob = await signUp("bob");
  await bob.chat.page.close();
  await ask(ann.chat, bob.username, "");
  const again = await bob.device.tab();
  await again.open();
  await again.at("tabContacts").click();
  await expect(again.at("request")).toContainText(ann.username);
  await ann.chat.at("withdrawRequest").click();
  await expect(again.at("request")).toHaveCount(0);
  await expect(ann.chat.at("sentRequest")).toHaveCount(0);
});

test("who is blocked writes in vain, and nobody else hears of it", async ({ signUp }) => {
  const ann = await signUp("ann");
  const bob = await signUp("bob");
  await bob.chat.writeTo(ann.username);
  await bob.chat.write("Hello");
  await bob.chat.hasStored("Hello");
  await ann.chat.openEntry(bob.username);
  await ann.chat.at("blockUser").click();
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("tie")).toHaveAttribute("data-blocked", "true");
  await expect(ann.chat.at("composerClosed")).toHaveAttribute("data-why", "blocked");

  await bob.chat.write("Are you there?");
  await expect(bob.chat.at("message").filter({ has: bob.chat.messages("Are you there?") })).toHaveAttribute(
    "data-state",
    "failed",
  );
  await expect(bob.chat.at("tie")).toHaveAttribute("data-blocked", "false");
  await ann.chat.page.goto("/settings/");
  await ann.chat.at("unblockUser").click();
  await expect(ann.chat.at("blockedUser")).toHaveCount(0);
  await bob.chat.at("retry").click();
  await bob.chat.hasStored("Are you there?");
});
