import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, type Page } from "@playwright/test";
import { adminTestids } from "../app/admin/testids";
import { testids } from "../lib/testids";
import type { Chat } from "./people/chat";
import { isIndexed } from "./people/indexed";
import { picture, text, tone } from "./people/media";
import { PASSWORD, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

const PHONE = { width: 390, height: 844 };
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** No page is wider than its screen. */
async function fits(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow, `${page.url()} is too wide`).toBeLessThanOrEqual(0);
}

/** What axe finds wrong, as one line each. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<AxeResult> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
  return violations.map((line) => `${new URL(page.url()).pathname} ${line}`);
}

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string }[] }[];
}

test("on a phone: the list, a conversation, and back", async ({ devices, signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { chat } = await signUp("ann", await devices.get(0, { viewport: PHONE, hasTouch: true }));
  await fits(chat.page);
  await chat.writeTo(bob.username);
  await expect(chat.at("sidebar")).toBeHidden();
  // Enter is for a new line where there is no keyboard.
  await chat
    .at("composerText")
    .fill(`A long line that has to be broken somewhere: ${"word ".repeat(40)}and${"x".repeat(300)}`);
  await chat.at("composerSend").click();
  await expect(chat.at("message")).toHaveCount(1);
  await fits(chat.page);
  await chat.at("back").click();
  await expect(chat.at("sidebar")).toBeVisible();
  await expect(chat.at("composer")).toBeHidden();
  await fits(chat.page);
});

test("with the keyboard alone", async ({ devices, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const chat = await (await devices.get(0)).tab();
  const { keyboard } = chat.page;
  const focused = () =>
    chat.page.evaluate(() => document.activeElement?.closest("[data-testid]")?.getAttribute("data-testid"));
  const tabTo = async (name: keyof typeof testids) => {
    for (let presses = 0; (await focused()) !== testids[name]; presses++) {
      expect(presses, `Tab reaches ${String(name)}`).toBeLessThan(40);
      await keyboard.press("Tab");
    }
  };
  const username = unique("ann");
  await chat.page.goto("/signup/");
  await expect(chat.at("signUpForm")).toBeVisible();
  await tabTo("signUpUsername");
  await keyboard.type(username);
  await tabTo("signUpPassword");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await chat.isOnline();

  // A dialog takes the focus, and gives it back.
  await tabTo("newMenu");
  await keyboard.press("Enter");
  await expect(chat.at("newRoom")).toBeVisible();
  await keyboard.press("Escape");
  await expect(chat.at("newRoom")).toBeHidden();
  await expect.poll(focused).toBe(testids.newMenu);

  await tabTo("search");
  await keyboard.type(bob.username);
  await expect(chat.at("peopleResult")).toHaveCount(1);
  await tabTo("peopleResult");
  await keyboard.press("Enter");
  await expect(chat.at("chatTitle")).toContainText(bob.username);
  await tabTo("composerText");
  await keyboard.type("without a mouse");
  await keyboard.press("Enter");
  await chat.hasStored("without a mouse");
});

test("a dark screen where the machine is dark, and the other way when asked", async ({ devices, signUp }) => {
  const { chat } = await signUp("ann", await devices.get(0, { colorScheme: "dark" }));
  const brightness = () =>
    chat.page.evaluate(() => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      if (!canvas) throw new Error("no canvas");
      canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return (red + green + blue) / 3;
    });
  await expect.poll(brightness).toBeLessThan(80);
  await chat.page.goto("/settings/");
  await chat.at("themeOption").filter({ hasText: "Light" }).click();
  await expect.poll(brightness).toBeGreaterThan(180);
  // Kept, and there from the first frame.
  await chat.page.reload();
  expect(await brightness()).toBeGreaterThan(180);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong, ${colorScheme}`, async ({ devices, signUp, system }) => {
    const bob = await Bot.signUp(system.api(), unique("bob"));
    // axe is put into the page from outside, which the page's own policy would rightly refuse: here alone it is off.
    const device = await devices.get(0, { colorScheme, bypassCSP: true, reducedMotion: "reduce" });
    const stranger = await device.tab();
    const found: string[] = [];
    for (const path of ["/login/", "/signup/", "/reset/"]) {
      await stranger.page.goto(path);
      await expect(stranger.page.locator("form")).toBeVisible();
      found.push(...(await faults(stranger.page)));
    }
    // It would hold that nobody is logged in here.
    await stranger.page.close();
    const { chat, username } = await signUp("ann", device);
    found.push(...(await faults(chat.page)));
    await chat.writeTo(bob.username);
    await chat.write("Hello");
    await chat.hasStored("Hello");
    await bob.send(chat.conversation(), "Hello yourself");
    await chat.shows("Hello yourself");
    found.push(...(await faults(chat.page)));
    await chat.at("messageActions").first().click();
    await expect(chat.at("messageAction").first()).toBeVisible();
    found.push(...(await faults(chat.page)));
    await chat.at("reactionChoice").first().click();
    await expect(chat.at("reaction")).toBeVisible();
    found.push(...(await faults(chat.page)));
    const carol = await Bot.signUp(system.api(), unique("carol"));
    const me = (await carol.call("GET", `/api/users?prefix=${username}`)).users[0];
    await carol.call("POST", "/api/contacts/requests", { userId: me.id, message: "Hello" });
    await chat.at("tabContacts").click();
    await expect(chat.at("request")).toBeVisible();
    found.push(...(await faults(chat.page)));
    await chat.at("newMenu").click();
    await chat.at("newGroup").click();
    await expect(chat.at("dialog")).toBeVisible();
    found.push(...(await faults(chat.page)));
    await chat.page.keyboard.press("Escape");
    await chat.page.goto("/settings/");
    await expect(chat.at("settings")).toBeVisible();
    found.push(...(await faults(chat.page)));
    await system.command(["admin", "create", username]);
    const lookAtOperations = async () => {
      await chat.page.goto("/admin/");
      const tabs = chat.page.getByTestId(adminTestids.tab);
      await expect(tabs.first()).toBeVisible();
      for (const tab of await tabs.all()) {
        await tab.click();
        await expect(tab).toBeChecked();
        await fits(chat.page);
        found.push(...(await faults(chat.page)));
      }
    };
    await lookAtOperations();
    await chat.page.setViewportSize(PHONE);
    await lookAtOperations();
    await chat.open();
    found.push(...(await faults(chat.page)));
    expect(found).toEqual([]);
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong with a group and what can be done in it, ${colorScheme}`, async ({
    devices,
    signUp,
    system,
  }) => {
    const bob = await Bot.signUp(system.api(), unique("bob"));
    const { chat, username } = await signUp(
      "ann",
      await devices.get(0, { colorScheme, bypassCSP: true, reducedMotion: "reduce" }),
    );
    const { page } = chat;
    const ann = await Bot.logIn(system.api(), username);
    const name = unique("Crew ");
    const group = await ann.group(name, [bob.id]);
    const say = (body: object) => bob.call("POST", `/api/conversations/${group}/messages`, body);
    const { seq } = await say({ content: `Hello @${username}`, mentions: [ann.id], clientMsgId: "1" });
    await say({ content: "", kind: "file", attachment: { url: "https://a.example/b", name: "b" }, clientMsgId: "2" });
    await say({ content: "Well?", replyTo: seq, clientMsgId: "3" });
    const found: string[] = [];
    const look = async () => void found.push(...(await faults(page)));
    await chat.openEntry(name);
    await chat.shows("Well?");
    await expect(chat.at("attachment")).toBeVisible();
    await expect(chat.at("member")).toHaveCount(2);
    await look();
    await chat.at("memberMenu").click();
    await expect(chat.at("memberAction").first()).toBeVisible();
    await look();
    await page.keyboard.press("Escape");
    for (const open of ["editGroup", "groupLinks", "dissolveGroup"] as const) {
      await chat.at(open).click();
      await expect(chat.at("dialog")).toBeVisible();
      if (open === "groupLinks") await chat.at("makeLink").click();
      if (open === "groupLinks") await expect(chat.at("groupLink")).toBeVisible();
      await look();
      await page.keyboard.press("Escape");
    }
    await chat.at("messageActions").last().click();
    await page.locator('[data-action="forward"]').click();
    await expect(chat.at("forwardTarget").first()).toBeVisible();
    await look();
    await page.keyboard.press("Escape");
    await chat.at("messageActions").last().click();
    await page.locator('[data-action="reply"]').click();
    await chat.at("composerText").pressSequentially("@");
    await expect(chat.at("mentionOption").first()).toBeVisible();
    await look();
    await page.goto("/settings/");
    await expect(chat.at("profileForm")).toBeVisible();
    await look();
    for (const open of ["changePassword", "deleteAccount"] as const) {
      await chat.at(open).click();
      await expect(chat.at("dialog")).toBeVisible();
      await look();
      await page.keyboard.press("Escape");
    }
    await ann.call("DELETE", `/api/groups/${group}`);
    await page.setViewportSize(PHONE);
    await chat.open(group);
    await expect(chat.at("composerClosed")).toBeVisible();
    await look();
    await fits(page);
    expect(found).toEqual([]);
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong with files, search and receipts, ${colorScheme}`, async ({
    devices,
    signUp,
    system,
  }) => {
    const bob = await Bot.signUp(system.api(), unique("bob"));
    const options = { colorScheme, bypassCSP: true, reducedMotion: "reduce" } as const;
    const { chat, username } = await signUp("ann", await devices.get(0, options));
    const { page } = chat;
    const ann = await Bot.logIn(system.api(), username);
    await bob.call("PATCH", "/api/me", { nick: "Bobby" });
    const name = unique("Crew ");
    const group = await ann.group(name, [bob.id]);
    await bob.send(group, "High tide at six");
    await isIndexed(ann, "tide", 1);
    const found: string[] = [];
    const look = async () => {
      await fits(page);
      found.push(...(await faults(page)));
    };
    await chat.openEntry(name);
    for (const viewport of [page.viewportSize() ?? PHONE, PHONE]) {
      await page.setViewportSize(viewport);
      const files = [picture("boat.png", 600, 400), tone("horn.wav", 2), text("tides.txt", 2000)];
      await chat.at("attachInput").setInputFiles(files);
      await expect(chat.at("pickedFile")).toHaveCount(3);
      for (const item of await chat.at("pickedFile").all()) await expect(item).toHaveAttribute("data-state", "ready");
      await look();
      await chat.at("composerSend").click();
      await expect(chat.at("picture").last()).toBeVisible();
      await expect(chat.at("message").last()).toHaveAttribute("data-state", /sent|delivered/);
      await look();
      await chat.at("picture").last().click();
      await expect(chat.at("viewerPicture")).toHaveAttribute("data-state", "there");
      await look();
      await page.keyboard.press("Escape");
      await chat.at("searchHere").click();
      await chat.at("searchHereField").fill("tide");
      await expect(chat.at("foundMessage")).toHaveCount(1);
      await look();
      await chat.at("searchHereField").fill("nothing like this");
      await expect(chat.at("dialog")).toContainText("No messages found");
      await look();
      await page.keyboard.press("Escape");
      await chat.at("messageActions").last().click();
      await page.locator('[data-action="readers"]').click();
      await expect(chat.at("readerCount")).toBeVisible();
      await look();
      await page.keyboard.press("Escape");
    }
    await chat.at("back").click();
    await chat.at("search").fill("tide");
    await expect(chat.at("foundMessage")).toHaveCount(1);
    await look();
    expect(found).toEqual([]);
  });
}

/** Most compressed JavaScript until a page can be used, with what it fetches by itself after its HTML. */
const SCRIPT_BYTES_MAX = 180 * 1024;

test("what has to be loaded before the first word stays within its budget", async ({ devices, signUp }) => {
  const { device } = await signUp("ann");
  const loads: [Chat, (chat: Chat) => Promise<void>, string][] = [
    [await device.tab(), (chat) => chat.isOnline(), "/chat/"],
    [await (await devices.get(1)).tab(), (chat) => expect(chat.at("logInForm")).toBeVisible(), "/"],
  ];
  for (const [chat, isUsable, path] of loads) {
    const devtools = await chat.page.context().newCDPSession(chat.page);
    await devtools.send("Network.enable");
    await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
    await devtools.send("Network.setBypassServiceWorker", { bypass: true });
    const scripts = new Set<string>();
    let bytes = 0;
    devtools.on("Network.responseReceived", ({ requestId, type }) => {
      if (type === "Script") scripts.add(requestId);
    });
    // Of bodies, as they come over the line; headers are no scripts.
    devtools.on("Network.dataReceived", ({ requestId, encodedDataLength }) => {
      if (scripts.has(requestId)) bytes += encodedDataLength;
    });
    await chat.page.goto(path);
    await isUsable(chat);
    expect(scripts.size, path).toBeGreaterThan(0);
    expect(bytes, `${path}: ${scripts.size} scripts`).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
  }
});

test("an address that is nothing says so", async ({ devices }) => {
  const device = await devices.get(0);
  device.guard.allowStatus(404);
  const chat = await device.tab();
  const answer = await chat.page.goto("/no/such/page");
  expect(answer?.status()).toBe(404);
  await expect(chat.page.getByRole("link")).not.toHaveCount(0);
});
