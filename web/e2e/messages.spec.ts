import type { Locator } from "@playwright/test";
import type { Chat } from "./people/chat";
import { marked, noteMarks } from "./people/marks";
import { expect, PASSWORD, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

/** The row of a message with this text. */
const row = (chat: Chat, text: string): Locator => chat.at("message").filter({ has: chat.messages(text) });

async function act(chat: Chat, message: Locator, action: string): Promise<void> {
  await message.hover();
  await message.getByRole("button", { name: "Message actions" }).click();
  await chat.page.locator(`[data-testid="message-action"][data-action="${action}"]`).click();
}

test("an answer quotes what it answers, and leads to it however far up it is", async ({ devices, signUp, system }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("The very first");
  await ann.chat.hasStored("The very first");
  const direct = ann.chat.conversation();
  await act(ann.chat, row(ann.chat, "The very first"), "reply");
  await expect(ann.chat.at("replyBar")).toContainText("The very first");
  await expect(ann.chat.at("composerText")).toBeFocused();
  await ann.chat.page.keyboard.press("Escape");
  await expect(ann.chat.at("replyBar")).toHaveCount(0);

  for (let n = 1; n <= 130; n++) await bob.send(direct, `line ${n}`);
  await bob.call("POST", `/api/conversations/${direct}/messages`, {
    content: "I saw it",
    clientMsgId: "answer",
    replyTo: 1,
  });
  // A device opens where Ann has read to, which has to be the newest.
  const annHasRead = async () => {
    const { conversations } = await bob.call("GET", "/api/conversations");
    return conversations.find(({ id }: { id: string }) => id === direct).peerReadSeq;
  };
  await expect.poll(annHasRead).toBe(132);
  // Keeps nothing yet: it has the newest page only.
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(ann.username, PASSWORD);
  await phone.openEntry(bob.username);
  await phone.shows("I saw it");
  const quote = row(phone, "I saw it").getByTestId("quote");
  await expect(quote).toContainText(ann.username);
  await expect(quote).toContainText("The very first");
  await noteMarks(phone.page);
  await quote.click();
  await expect.poll(() => marked(phone.page)).toContain("1");
  await expect(row(phone, "The very first")).toBeInViewport();

  await phone.at("newMessages").click();
  await act(phone, row(phone, "I saw it"), "reply");
  await expect(phone.at("replyBar")).toContainText("I saw it");
  await phone.write("Good");
  await phone.hasStored("Good");
  await expect(phone.at("replyBar")).toHaveCount(0);
  await expect(row(phone, "Good").getByTestId("quote")).toContainText("I saw it");
  const { messages } = await bob.call("GET", `/api/conversations/${direct}/messages?limit=1`);
  expect(messages[0].reply.seq).toBe(132);
});

test("a message deleted for oneself is gone on all one's devices, and for nobody else", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  for (const text of ["one", "two"]) await ann.chat.write(text);
  await ann.chat.hasStored("two");
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(ann.username, PASSWORD);
  await phone.openEntry(bob.username);
  await phone.shows("two");
  await act(ann.chat, row(ann.chat, "two"), "hide");
  await ann.chat.at("dialogSubmit").click();
  for (const chat of [ann.chat, phone]) {
    await expect(chat.messages("two")).toHaveCount(0);
    await chat.shows("one");
    await expect(chat.entry(bob.username)).toContainText("one");
  }
  await ann.chat.page.reload();
  await ann.chat.shows("one");
  await expect(ann.chat.messages("two")).toHaveCount(0);
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("two");
});

test("a message is sent on to people and groups, with the name of who wrote it", async ({
  devices,
  signUp,
  system,
}) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const carol = await Bot.signUp(system.api(), unique("carol"));
  const me = (await bob.call("GET", `/api/users?prefix=${ann.username}`)).users[0].id;
  const name = unique("Crew ");
  const group = await carol.group(name, [me]);
  const direct = await bob.direct(me);
  await bob.send(direct, "High water at six");
  await ann.chat.openEntry(bob.username);
  await act(ann.chat, row(ann.chat, "High water at six"), "forward");
  await ann.chat.at("forwardTarget").filter({ hasText: name }).getByTestId("forward-send").click();
  await expect(ann.chat.at("forwardDone")).toHaveCount(1);
  await ann.chat.at("forwardSearch").fill(carol.username);
  await ann.chat.at("forwardTarget").filter({ hasText: carol.username }).getByTestId("forward-send").click();
  await expect(ann.chat.at("forwardDone")).toHaveCount(1);
  await ann.chat.page.keyboard.press("Escape");
  await ann.chat.openEntry(name);
  await ann.chat.shows("High water at six");
  await expect(row(ann.chat, "High water at six").getByTestId("forwarded-from")).toContainText(bob.username);
  for (const conversation of [group, await carol.direct(me)]) {
    const { messages } = await carol.call("GET", `/api/conversations/${conversation}/messages?limit=1`);
    expect(messages[0]).toMatchObject({ content: "High water at six", forwardedFrom: { username: bob.username } });
  }
});

test("people are called by name, and see that they are", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const { chat } = ann;
  const name = unique("Crew ");
  await chat.at("newMenu").click();
  await chat.at("newGroup").click();
  await chat.at("nameField").fill(name);
  await chat.at("userSearch").fill(bob.username);
  await chat.at("userResult").filter({ hasText: bob.username }).click();
  await chat.at("dialogSubmit").click();
  await bob.chat.openEntry(name);

  // With the keys alone; Enter chooses, and sends only afterwards.
  await chat.at("composerText").pressSequentially("Hello @bo");
  await expect(chat.at("mentionOption")).toHaveCount(1);
  await expect(chat.at("mentionOption")).toHaveAttribute("aria-selected", "true");
  await chat.page.keyboard.press("Enter");
  await expect(chat.at("composerText")).toHaveValue(`Hello @${bob.username} `);
  await expect(chat.at("message").filter({ hasText: "Hello" })).toHaveCount(0);
  await chat.at("composerText").pressSequentially("there");
  await chat.page.keyboard.press("Enter");
  const text = `Hello @${bob.username} there`;
  await chat.hasStored(text);
  await bob.chat.shows(text);
  await expect(row(bob.chat, text).locator("[data-called]")).toBeVisible();
  await expect(row(bob.chat, text).getByTestId("mention")).toHaveText(`@${bob.username}`);
  await expect(row(chat, text).locator("[data-called]")).toHaveCount(0);

  // Everybody; and Escape puts the list away without sending.
  await chat.at("composerText").pressSequentially("@");
  await expect(chat.at("mentionOption")).toHaveCount(2);
  await chat.page.keyboard.press("Escape");
  await expect(chat.at("mentionList")).toHaveCount(0);
  await chat.at("composerText").fill("");
  await chat.at("composerText").pressSequentially("@every");
  await chat.at("mentionOption").click();
  await chat.at("composerText").pressSequentially("come");
  await chat.page.keyboard.press("Enter");
  await chat.hasStored("@everyone come");
  await expect(row(bob.chat, "@everyone come").locator("[data-called]")).toBeVisible();
});

test("what is no text is shown as what it is, and nothing foreign is fetched", async ({ devices, signUp, system }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("Hello");
  await ann.chat.hasStored("Hello");
  const direct = ann.chat.conversation();
  const send = (kind: string, attachment: object, content = "") =>
    bob.call("POST", `/api/conversations/${direct}/messages`, { kind, attachment, content, clientMsgId: kind });
  await send("image", { url: "https://pictures.example/1.png", name: "boat.png", size: 120_000 });
  await send("voice", { url: "https://pictures.example/1.ogg", durationMs: 65_000 });
  await send("video", { url: "https://pictures.example/1.mp4" }, "The boat again");
  await send("file", { url: "https://pictures.example/1.pdf", name: "tides.pdf", size: 1_400_000 });
  await send("location", { lat: 54.32, lon: 10.13, address: "The pier" });
  await send("custom", { type: "poll", data: { question: "When?" } });
  const kinds = ann.chat.at("attachment");
  await expect(kinds).toHaveCount(6);
  await expect(kinds.nth(0)).toContainText("boat.png");
  await expect(kinds.nth(0)).toContainText("pictures.example");
  await expect(kinds.nth(0).getByRole("link")).toHaveAttribute("href", "https://pictures.example/1.png");
  await expect(kinds.nth(1)).toContainText("1:05");
  await ann.chat.shows("The boat again");
  await expect(kinds.nth(3)).toContainText("1.4 MB");
  await expect(kinds.nth(4)).toContainText("The pier");
  await expect(kinds.nth(5)).toContainText("poll");
  await expect(ann.chat.page.locator("img[src*='pictures.example']")).toHaveCount(0);
  await expect(ann.chat.entry(bob.username)).toContainText("Something else");
});
