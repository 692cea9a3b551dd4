import type { Page } from "@playwright/test";
import { kept } from "./people/kept";
import { expect, PASSWORD, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test("unread is the same on two devices, and goes on both when it is read on one", async ({
  devices,
  signUp,
  system,
}) => {
  const desk = await signUp("ann", await devices.get(0));
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(desk.username, PASSWORD);
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await bob.call("GET", `/api/users?prefix=${desk.username}`);
  const direct = await bob.direct(ann.users[0].id);
  for (let n = 1; n <= 5; n++) await bob.send(direct, `message ${n}`);

  for (const chat of [desk.chat, phone]) await expect.poll(() => chat.unread(bob.username)).toBe(5);
  await phone.openEntry(bob.username);
  await phone.shows("message 5");
  for (const chat of [desk.chat, phone]) await expect.poll(() => chat.unread(bob.username)).toBe(0);

  // Also after the page is loaded anew: the server keeps it, not the page.
  await desk.chat.page.reload();
  await desk.chat.isOnline();
  await expect(desk.chat.entry(bob.username)).toBeVisible();
  await expect.poll(() => desk.chat.unread(bob.username)).toBe(0);
});

test("one's own messages from another device are never unread", async ({ devices, signUp, system }) => {
  const desk = await signUp("ann", await devices.get(0));
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(desk.username, PASSWORD);
  const bob = await Bot.signUp(system.api(), unique("bob"));
  await desk.chat.writeTo(bob.username);
  await desk.chat.write("from the desk");
  await desk.chat.hasStored("from the desk");
  await expect(phone.entry(bob.username)).toContainText("from the desk");
  expect(await phone.unread(bob.username)).toBe(0);
});

test("three tabs have one socket, and the others go on when its tab is closed", async ({ devices, signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { device, chat, username } = await signUp("ann", await devices.get(0));
  await chat.writeTo(bob.username);
  await chat.write("Hello");
  await chat.hasStored("Hello");
  const conversation = chat.conversation();

  // Counted from nothing, so that the tab that is open already counts as well.
  await chat.page.close();
  const before = await system.counted("oort_comet_sessions_total");
  const tabs = [await device.tab(), await device.tab(), await device.tab()];
  for (const tab of tabs) await tab.open(conversation);
  expect((await system.counted("oort_comet_sessions_total")) - before).toBe(1);

  await bob.sendSurely(conversation, `for every tab of ${username}`);
  for (const tab of tabs) await tab.shows(`for every tab of ${username}`);

  // The first tab came first, so the socket is likely its own; whoever had it, the two that are left need one.
  await tabs[0]?.page.close();
  await bob.sendSurely(conversation, "after the first tab");
  for (const tab of tabs.slice(1)) await tab.shows("after the first tab");
  expect((await system.counted("oort_comet_sessions_total")) - before).toBeLessThanOrEqual(2);
});

test("signing out ends all tabs of this device, and no other device", async ({ devices, signUp, system }) => {
  const desk = await signUp("ann", await devices.get(0));
  const second = await desk.device.tab();
  await second.open();
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(desk.username, PASSWORD);
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await bob.call("GET", `/api/users?prefix=${desk.username}`);
  const direct = await bob.direct(ann.users[0].id);
  await bob.send(direct, "a secret");
  await desk.chat.openEntry(bob.username);
  await desk.chat.shows("a secret");

  await desk.chat.page.goto("/settings/");
  await desk.chat.at("logOut").click();
  await expect(desk.chat.at("logInForm")).toBeVisible();
  await expect(second.at("logInForm")).toBeVisible();
  expect((await desk.device.context.request.get("/api/me")).status()).toBe(401);
  await expect.poll(() => storedText(desk.chat.page), "nothing of the conversations is left").not.toContain("a secret");

  await phone.isOnline();
  await bob.send(direct, "still here?");
  await expect(phone.entry(bob.username)).toContainText("still here?");
});

test("a device can be signed out from another", async ({ devices, signUp }) => {
  const desk = await signUp("ann", await devices.get(0));
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(desk.username, PASSWORD);
  await desk.chat.page.goto("/settings/");
  await expect(desk.chat.at("session")).toHaveCount(2);
  await desk.chat.at("endSession").first().click();
  await expect(phone.at("logInForm")).toBeVisible();
  await expect(desk.chat.at("session")).toHaveCount(1);
  await desk.chat.open();
});

/** Everything that pages of this origin have stored, as one text. */
async function storedText(page: Page): Promise<string> {
  const small = await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }]);
  return JSON.stringify([small, await kept(page)]);
}
