import type { Chat } from "./people/chat";
import { expect, PASSWORD, type Person, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

/** The id of somebody who signed up in a browser, as another finds it. */
async function idOf(bot: Bot, username: string): Promise<string> {
  return (await bot.call("GET", `/api/users?prefix=${username}`)).users[0].id;
}

/** A group of the person's own with others in it, open and with its details. */
async function makeGroup({ chat }: Person, name: string, members: readonly string[]): Promise<void> {
  await chat.at("newMenu").click();
  await chat.at("newGroup").click();
  await chat.at("nameField").fill(name);
  for (const member of members) {
    await chat.at("userSearch").fill(member);
    await chat.at("userResult").filter({ hasText: member }).click();
    await expect(chat.at("chosenUser").filter({ hasText: member })).toBeVisible();
  }
  await chat.at("dialogSubmit").click();
  await expect(chat.at("chatTitle")).toContainText(name);
  await expect(chat.at("member")).toHaveCount(members.length + 1);
}

const memberOf = (chat: Chat, username: string) => chat.at("member").filter({ hasText: username });

async function act(chat: Chat, username: string, action: string): Promise<void> {
  await memberOf(chat, username).getByTestId("member-menu").click();
  await chat.page.locator(`[role="menuitem"][data-action="${action}"]`).click();
}

test("a group is named, has an announcement, and everybody sees it so", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const name = unique("Crew ");
  await makeGroup(ann, name, [bob.username]);
  await bob.chat.openEntry(name);
  await expect(bob.chat.at("editGroup")).toHaveCount(0);
  await expect(bob.chat.at("addMembers")).toHaveCount(0);
  await expect(memberOf(bob.chat, ann.username)).toHaveAttribute("data-role", "owner");

  await ann.chat.at("editGroup").click();
  const renamed = unique("Sailors ");
  await ann.chat.at("nameField").fill(renamed);
  await ann.chat.at("announcementField").fill("At the pier at six.");
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("dialog")).toHaveCount(0);
  for (const { chat } of [ann, bob]) {
    await expect(chat.at("chatTitle")).toContainText(renamed);
    await expect(chat.entry(renamed)).toBeVisible();
    await expect(chat.at("announcement")).toContainText("At the pier at six.");
    await expect(chat.at("message").filter({ hasText: `${ann.username} named the group ${renamed}` })).toBeVisible();
  }
});

test("roles: an admin is made, the group handed over, and who had it may leave", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const name = unique("Crew ");
  await makeGroup(ann, name, [bob.username]);
  await bob.chat.openEntry(name);
  await act(ann.chat, bob.username, "promote");
  for (const { chat } of [ann, bob]) await expect(memberOf(chat, bob.username)).toHaveAttribute("data-role", "admin");
  // What an admin may do is at hand at once.
  await expect(bob.chat.at("editGroup")).toBeVisible();
  await expect(memberOf(bob.chat, ann.username).getByTestId("member-menu")).toHaveCount(0);

  await ann.chat.at("leaveGroup").click();
  await expect(ann.chat.at("dialogSubmit")).toHaveCount(0);
  await ann.chat.page.keyboard.press("Escape");
  await act(ann.chat, bob.username, "handOver");
  await ann.chat.at("dialogSubmit").click();
  for (const { chat } of [ann, bob]) {
    await expect(memberOf(chat, bob.username)).toHaveAttribute("data-role", "owner");
    await expect(memberOf(chat, ann.username)).toHaveAttribute("data-role", "admin");
  }
  await expect(bob.chat.at("dissolveGroup")).toBeVisible();
  await expect(ann.chat.at("dissolveGroup")).toHaveCount(0);
  await ann.chat.at("leaveGroup").click();
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.entry(name)).toHaveCount(0);
  await expect(bob.chat.at("member")).toHaveCount(1);
});

test("who is muted is told so where they would write, and all but admins when all are", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const name = unique("Crew ");
  await makeGroup(ann, name, [bob.username]);
  await bob.chat.openEntry(name);
  await expect(bob.chat.at("composer")).toBeVisible();

  await act(ann.chat, bob.username, "mute");
  await ann.chat.at("muteTime").filter({ hasText: "An hour" }).click();
  await ann.chat.at("dialogSubmit").click();
  await expect(bob.chat.at("composerClosed")).toHaveAttribute("data-why", "muted");
  await expect(bob.chat.at("composer")).toHaveCount(0);
  // The same when the page comes anew.
  await bob.chat.page.reload();
  await expect(bob.chat.at("composerClosed")).toHaveAttribute("data-why", "muted");
  await act(ann.chat, bob.username, "unmute");
  await expect(bob.chat.at("composer")).toBeVisible();

  await ann.chat.at("muteAll").click();
  await expect(bob.chat.at("composerClosed")).toHaveAttribute("data-why", "allMuted");
  await expect(ann.chat.at("composer")).toBeVisible();
  await ann.chat.at("muteAll").click();
  await expect(bob.chat.at("composer")).toBeVisible();
  await bob.chat.write("At last");
  await bob.chat.hasStored("At last");
});

test("a link lets in who has it, over a log-in, until it is revoked", async ({ devices, signUp, system }) => {
  const ann = await signUp("ann", await devices.get(0));
  const name = unique("Crew ");
  await makeGroup(ann, name, []);
  await ann.chat.at("groupLinks").click();
  await ann.chat.at("makeLink").click();
  const address = new URL(await ann.chat.at("linkAddress").inputValue());
  expect(address.pathname).toBe("/join/");
  await expect(ann.chat.at("groupLink")).toHaveCount(1);

  // Somebody who is not logged in: the link is not forgotten while they do so, and its token stands nowhere.
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const chat = await (await devices.get(1)).tab();
  await chat.page.goto(`/join/${address.hash}`);
  await expect(chat.at("invited")).toBeVisible();
  expect(chat.page.url()).not.toContain(address.hash.slice(1));
  await chat.at("logInLogin").fill(bob.username);
  await chat.at("logInPassword").fill(PASSWORD);
  await chat.at("logInSubmit").click();
  await chat.at("dialogSubmit").click();
  await expect(chat.at("chatTitle")).toContainText(name);
  await expect(chat.at("composer")).toBeVisible();
  await expect(ann.chat.at("message").filter({ hasText: `${bob.username} joined by a link` })).toBeVisible();

  await ann.chat.at("revokeLink").click();
  await expect(ann.chat.at("groupLink")).toHaveCount(0);
  const carol = await devices.get(0);
  carol.guard.allowStatus(404);
  const late = await signUp("carol", carol);
  await late.chat.page.goto(`/join/${address.hash}`);
  await late.chat.at("dialogSubmit").click();
  await expect(late.chat.at("dialogError")).toContainText("does not work any more");
});

test("who is removed has it no more; a dissolved group can be read and left", async ({ devices, signUp, system }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const carol = await Bot.signUp(system.api(), unique("carol"));
  const name = unique("Crew ");
  await makeGroup(ann, name, [bob.username, carol.username]);
  await ann.chat.write("Last words");
  await ann.chat.hasStored("Last words");
  await act(ann.chat, carol.username, "remove");
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("member")).toHaveCount(2);

  await bob.chat.openEntry(name);
  await bob.chat.shows("Last words");
  await ann.chat.at("dissolveGroup").click();
  await ann.chat.at("dialogSubmit").click();
  for (const { chat } of [ann, bob]) {
    await expect(chat.at("composerClosed")).toHaveAttribute("data-why", "dissolved");
    await chat.shows("Last words");
  }
  await expect(ann.chat.at("editGroup")).toHaveCount(0);
  await bob.chat.at("leaveGroup").click();
  await bob.chat.at("dialogSubmit").click();
  await expect(bob.chat.entry(name)).toHaveCount(0);
});

test("what is pinned comes first, and what is muted says so, on every device", async ({ devices, signUp, system }) => {
  const desk = await signUp("ann", await devices.get(0));
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(desk.username, PASSWORD);
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const carol = await Bot.signUp(system.api(), unique("carol"));
  const ann = await idOf(bob, desk.username);
  await bob.send(await bob.direct(ann), "Hello");
  await expect(desk.chat.entry(bob.username)).toBeVisible();
  await desk.chat.openEntry(bob.username);
  await desk.chat.at("pin").click();
  await desk.chat.at("mute").click();
  for (const chat of [desk.chat, phone]) {
    await expect(chat.entry(bob.username).getByTestId("conversation-pinned")).toBeVisible();
    await expect(chat.entry(bob.username).getByLabel("Muted")).toBeVisible();
  }
  await carol.send(await carol.direct(ann), "Newer");
  for (const chat of [desk.chat, phone]) {
    await expect(chat.entry(carol.username)).toBeVisible();
    await expect(chat.at("conversationItem").first()).toContainText(bob.username);
  }
  await desk.chat.at("pin").click();
  for (const chat of [desk.chat, phone])
    await expect(chat.at("conversationItem").first()).toContainText(carol.username);
});
