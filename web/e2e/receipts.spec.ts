import { askReaders } from "./people/readers";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test("in a group it is told who has read, while one looks", async ({ devices, signUp, system }) => {
  const { chat, username } = await signUp("ann", await devices.get(0));
  const [bob, carol] = [await Bot.signUp(system.api(), unique("bob")), await Bot.signUp(system.api(), unique("carol"))];
  const ann = await Bot.logIn(system.api(), username);
  const name = unique("Crew ");
  const group = await ann.group(name, [bob.id, carol.id]);
  await chat.openEntry(name);
  await chat.write("At five?");
  await chat.hasStored("At five?");
  const seq = Number(
    await chat
      .at("message")
      .filter({ has: chat.messages("At five?") })
      .getAttribute("data-seq"),
  );
  await askReaders(chat, "At five?");
  await expect(chat.at("readerCount")).toContainText("Nobody has read it yet");
  await bob.call("PUT", `/api/conversations/${group}/cursor`, { readSeq: seq });
  await expect(chat.at("reader")).toHaveCount(1);
  await expect(chat.at("reader")).toContainText(bob.username);
  await carol.call("PUT", `/api/conversations/${group}/cursor`, { readSeq: seq });
  await expect(chat.at("readerCount")).toHaveAttribute("data-count", "2");
  await chat.page.keyboard.press("Escape");
  const row = chat.at("message").filter({ has: chat.messages("At five?") });
  await expect(row).toHaveAttribute("data-state", "read");

  // Of what others wrote it is not asked.
  await bob.send(group, "At six");
  await chat.shows("At six");
  const other = chat.at("message").filter({ has: chat.messages("At six") });
  await other.hover();
  await other.getByTestId("message-actions").click();
  await expect(chat.at("messageAction").first()).toBeVisible();
  await expect(chat.page.locator('[data-action="readers"]')).toHaveCount(0);
});

test("who sends no receipts is shown none, on all their devices", async ({ devices, signUp, system }) => {
  const device = await devices.get(0);
  device.guard.allowStatus(403);
  const ann = await signUp("ann", device);
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("one");
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("one");
  await expect(ann.chat.at("message")).toHaveAttribute("data-state", "read");

  const settings = await device.tab();
  await settings.page.goto("/settings/");
  await expect(settings.at("sendReceipts")).toBeChecked();
  await settings.at("sendReceipts").click();
  await expect(settings.at("sendReceipts")).not.toBeChecked();
  // What they read from now on is not told.
  await bob.chat.write("two");
  await bob.chat.hasStored("two");
  await ann.chat.shows("two");
  await expect(bob.chat.at("message").filter({ has: bob.chat.messages("two") })).toHaveAttribute(
    "data-state",
    "delivered",
  );

  const me = await Bot.logIn(system.api(), ann.username);
  const name = unique("Crew ");
  await me.group(name, [(await Bot.logIn(system.api(), bob.username)).id]);
  await ann.chat.openEntry(name);
  await ann.chat.write("three");
  await ann.chat.hasStored("three");
  await askReaders(ann.chat, "three");
  await expect(ann.chat.at("dialogError")).toContainText("You send no read receipts");
  await settings.at("sendReceipts").click();
  await expect(settings.at("sendReceipts")).toBeChecked();
});

test("others see who is there and on what, who is away, and nobody who is invisible", async ({ devices, signUp }) => {
  const bob = await signUp("bob", await devices.get(1));
  const desk = await devices.get(0);
  const page = await desk.tab();
  await page.page.clock.install();
  const username = unique("ann");
  await page.signUp(username, "correct horse");
  await bob.chat.writeTo(username);
  const standing = bob.chat.entry(username).getByTestId("conversation-presence");
  await expect(bob.chat.at("chatStatus")).toHaveText("Online · browser");
  await expect(standing).toHaveText("online");

  const touch = async () => {
    await page.page.mouse.move(200, 300);
    await page.page.mouse.move(210, 310);
  };
  // Nobody touches the page for long. It may begin to count only after the first leap, so there may be others.
  await expect(async () => {
    await touch();
    await page.page.clock.fastForward("05:30");
    await expect(bob.chat.at("chatStatus")).toHaveText("Away · browser", { timeout: 5000 });
  }).toPass();
  await expect(standing).toHaveText("away");
  await expect(async () => {
    await touch();
    await expect(bob.chat.at("chatStatus")).toHaveText("Online · browser", { timeout: 5000 });
  }).toPass();

  await page.page.goto("/settings/");
  await page.at("invisible").click();
  await expect(page.at("invisible")).toBeChecked();
  await expect(bob.chat.at("chatStatus")).toContainText("Last seen");
  await expect(standing).toHaveCount(0);
  await page.at("invisible").click();
  await expect(bob.chat.at("chatStatus")).toHaveText("Online · browser");
});

test("people are shown by what they want to be called, beside their user name", async ({ devices, signUp, system }) => {
  const device = await devices.get(0);
  const { chat, username } = await signUp("ann", device);
  const [bob, carol] = [await Bot.signUp(system.api(), unique("bob")), await Bot.signUp(system.api(), unique("carol"))];
  await bob.call("PATCH", "/api/me", { nick: "Bobby Blue", avatar: `${device.line.url}/icons/icon-192.png` });
  // A picture elsewhere would tell its owner who looks.
  await carol.call("PATCH", "/api/me", { avatar: "https://pictures.example/carol.png" });
  const ann = await Bot.logIn(system.api(), username);
  const direct = await bob.direct(ann.id);
  await bob.send(direct, "Hello");
  const name = unique("Crew ");
  const group = await bob.group(name, [ann.id, carol.id]);
  await carol.send(group, "Here");
  await bob.send(group, "Ahoy");
  await expect(chat.entry("Bobby Blue")).toContainText(bob.username);
  await chat.openEntry(name);
  const row = chat.at("message").filter({ has: chat.messages("Ahoy") });
  await expect(row).toContainText(`Bobby Blue ${bob.username}`);
  await expect(chat.at("member").filter({ hasText: "Bobby Blue" })).toContainText(bob.username);
  await expect(row.locator("img")).toHaveAttribute("src", /icon-192/);
  await expect(chat.at("message").filter({ has: chat.messages("Here") })).toContainText(carol.username);
  await expect(chat.page.locator("img[src*='pictures.example']")).toHaveCount(0);
  await chat.openEntry("Bobby Blue");
  await expect(chat.at("chatTitle")).toHaveText(`Bobby Blue ${bob.username}`);
});
