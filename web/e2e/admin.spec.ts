import { expect, type Page } from "@playwright/test";
import { adminTestids } from "../app/admin/testids";
import { type Device, PASSWORD, test, unique } from "./people/test";
import { Bot } from "./servers/bot";
import type { System } from "./servers/system";

const at = (page: Page, name: keyof typeof adminTestids) => page.getByTestId(adminTestids[name]);

/** An operator at their page. */
async function operate(system: System, device: Device): Promise<{ name: string; page: Page }> {
  const name = unique("op");
  await system.command(["admin", "create", name, "--password-stdin"], PASSWORD);
  const chat = await device.tab();
  await chat.logIn(name, PASSWORD);
  await chat.page.goto("/admin/");
  await expect(at(chat.page, "admin")).toBeVisible();
  return { name, page: chat.page };
}

async function show(page: Page, section: string): Promise<void> {
  await at(page, "tab").filter({ hasText: section }).click();
}

test("an operator sees every process, live", async ({ devices, system }) => {
  const { page } = await operate(system, await devices.get(0));
  const names = system.shape === "standalone" ? 1 : 6;
  await expect(at(page, "node")).toHaveCount(names);
  await expect(at(page, "live")).toHaveAttribute("data-state", "live");
  await expect(at(page, "chart")).toHaveCount(2);
  // The operator's own log-in is a connection, and a new one is counted while one looks on.
  const connections = page
    .getByText("Connections", { exact: true })
    .first()
    .locator("xpath=..")
    .getByRole("definition");
  await expect(connections).toHaveText(/\d/);
  const before = Number(await connections.textContent());
  const other = await (await devices.get(1)).tab();
  await other.signUp(unique("ann"), PASSWORD);
  // Many more: the figure is a moment old, and those that it counts may have gone since.
  await other.page.evaluate(async () => {
    const url = `${location.origin.replace("http", "ws")}/api/ws`;
    const sockets = Array.from({ length: 50 }, () => new WebSocket(url, ["oort.v1"]));
    (window as unknown as { held: WebSocket[] }).held = sockets;
    const greeted = (socket: WebSocket) =>
      new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
    await Promise.all(sockets.map(greeted));
  });
  await expect.poll(async () => Number(await connections.textContent())).toBeGreaterThan(before);
});

test("an operator finds a person and ends their connections; it is written down", async ({
  devices,
  signUp,
  system,
}) => {
  const ann = await signUp("ann", await devices.get(1));
  const { name, page } = await operate(system, await devices.get(0));
  await show(page, "People");
  await at(page, "userQuery").fill(ann.username);
  await at(page, "user").filter({ hasText: ann.username }).click();
  await expect(at(page, "userConnection")).toHaveCount(1);
  const key = await at(page, "userConnection").getAttribute("data-name");
  await at(page, "kick").click();
  await at(page, "confirm").click();
  await expect(page.locator(`[data-testid="${adminTestids.userConnection}"][data-name="${key}"]`)).toHaveCount(0);
  await show(page, "Audit");
  const entry = page.locator(`[data-testid="${adminTestids.auditEntry}"][data-name="kick"]`).filter({ hasText: name });
  await expect(entry.first()).toBeVisible();
});

test("a broadcast reaches whoever is online", async ({ devices, signUp, system }) => {
  const { page } = await operate(system, await devices.get(0));
  const { chat } = await signUp("ann", await devices.get(1));
  // A socket beside the client's own: pushes are for applications, the client shows none.
  await chat.page.evaluate(async () => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/ws`, ["oort.v1"]);
    const held = window as unknown as { push: Promise<unknown> };
    await new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
    held.push = new Promise((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type === "push" && frame.payload.operation === 1234) resolve(frame.payload);
      });
    });
  });
  await show(page, "Broadcast");
  await at(page, "broadcastOperation").fill("1234");
  await at(page, "broadcastBody").fill('{"sale":"now"}');
  await at(page, "broadcastSubmit").click();
  await at(page, "confirm").click();
  await expect(at(page, "notice")).toContainText("Sent");
  const push = await chat.page.evaluate(() => (window as unknown as { push: Promise<unknown> }).push);
  expect(push).toEqual({ operation: 1234, body: '{"sale":"now"}' });
});

test("the outbox empties itself, and there are no dead letters", async ({ devices, system }) => {
  const { page } = await operate(system, await devices.get(0));
  await show(page, "Outbox");
  await expect(at(page, "outboxRows")).toHaveText(/^\d+$/);
  await expect(at(page, "deadLetter")).toHaveCount(0);
  await expect(page.getByText("None is set up.")).toBeVisible();
});

test("the operator's page speaks the language of its reader", async ({ devices, system }) => {
  const { page } = await operate(system, await devices.get(0, { locale: "zh-CN" }));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("运维");
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  for (const [section, heading] of [
    ["用户", "用户"],
    ["消息", "我的消息在哪里？"],
    ["发件箱", "死信"],
    ["广播", "广播"],
    ["审计", "审计"],
  ] as const) {
    await show(page, section);
    await expect(page.getByRole("heading", { level: 2, name: heading })).toBeVisible();
  }
  // What the server was asked to do is told in it, too.
  await expect(at(page, "auditEntry").filter({ hasText: "授予管理员" }).first()).toBeVisible();
});

test("nobody else sees the operator's page", async ({ devices, signUp }) => {
  const stranger = await (await devices.get(0)).tab();
  await stranger.page.goto("/admin/");
  await expect(stranger.at("logInForm")).toBeVisible();
  const { device, chat } = await signUp("ann");
  await chat.page.goto("/admin/");
  await expect(at(chat.page, "refused")).toBeVisible();
  expect((await device.context.request.get("/api/admin/nodes")).status()).toBe(403);
});

test("an operator finds a message and has it delivered once more", async ({ devices, signUp, system }) => {
  const { page } = await operate(system, await devices.get(0));
  const ann = await Bot.signUp(system.api(), unique("ann"));
  await signUp("bob", await devices.get(1));
  const conversation = await ann.room(unique("room"));
  await ann.send(conversation, "where am I?");
  await show(page, "Messages");
  await at(page, "traceConversation").fill(conversation);
  await at(page, "traceSeq").fill("1");
  // An answer tells of what had happened when it was asked for: it is asked until all has.
  await expect(async () => {
    await at(page, "traceSubmit").click({ timeout: 1000 });
    await expect(at(page, "traceSummary")).toContainText("Written to", { timeout: 1000 });
    for (const step of ["accepted", "committed", "taken", "pushed", "written", "acked"]) {
      const hop = at(page, "traceHop").and(page.locator(`[data-name="${step}"]`));
      await expect(hop.first()).toBeVisible({ timeout: 1000 });
    }
  }).toPass();
  await at(page, "replayConversation").fill(conversation);
  await at(page, "replayFrom").fill("1");
  await at(page, "replaySubmit").click();
  await at(page, "confirm").click();
  await expect(at(page, "notice")).toHaveText("1 message delivered once more.");
});

test("an operator bans and mutes a person, who learns of it", async ({ devices, signUp, system }) => {
  const ann = await signUp("ann", await devices.get(1));
  const { page } = await operate(system, await devices.get(0));
  await show(page, "People");
  await at(page, "userQuery").fill(ann.username);
  await at(page, "user").filter({ hasText: ann.username }).click();
  const row = (kind: string) => page.locator(`[data-testid="${adminTestids.sanction}"][data-name="${kind}"]`);
  await row("mute").getByTestId(adminTestids.begin).click();
  await at(page, "reason").fill("noise");
  await at(page, "confirm").click();
  await expect(row("mute")).toContainText("noise");
  const bot = await Bot.logIn(system.api(), ann.username, PASSWORD);
  const room = await bot.room(unique("room"));
  await expect(bot.send(room, "anybody?")).rejects.toThrow(/muted/);
  await row("mute").getByTestId(adminTestids.lift).click();
  await expect(row("mute").getByTestId(adminTestids.begin)).toBeVisible();
  await bot.send(room, "anybody?");

  await row("ban").getByTestId(adminTestids.begin).click();
  await at(page, "reason").fill("spam");
  await at(page, "confirm").click();
  await expect(row("ban")).toContainText("spam");
  await expect(ann.chat.at("logInForm")).toBeVisible();
  await expect(Bot.logIn(system.api(), ann.username, PASSWORD)).rejects.toThrow(/banned/);

  const bob = await Bot.signUp(system.api(), unique("bob"));
  const group = await bob.group(unique("group"), []);
  await show(page, "Messages");
  await at(page, "groupId").fill(group);
  await at(page, "groupFind").click();
  await at(page, "groupDissolve").click();
  await at(page, "confirm").click();
  await expect(at(page, "group")).toContainText("dissolved");
});

test("an administrator makes a key, sees it once, and revokes it", async ({ devices, system }) => {
  const { page } = await operate(system, await devices.get(0));
  const bot = await Bot.signUp(system.api(), unique("bot"));
  await show(page, "Keys");
  const name = unique("key");
  await at(page, "keyName").fill(name);
  await page.locator(`[data-testid="${adminTestids.keyScope}"][data-name="users:read"]`).check();
  await at(page, "keyUser").fill(bot.id);
  await at(page, "keyMake").click();
  const secret = await at(page, "keySecret").textContent();
  expect(secret).toMatch(/^oort_[\w-]{43}$/);
  const ask = () => fetch(`${system.api()}/api/users/${bot.id}`, { headers: { authorization: `Bearer ${secret}` } });
  expect((await ask()).status).toBe(200);
  const row = page.locator(`[data-testid="${adminTestids.key}"][data-name="${name}"]`);
  await row.getByTestId(adminTestids.keyRevoke).click();
  await at(page, "confirm").click();
  await expect(row).toHaveCount(0);
  expect((await ask()).status).toBe(401);
});
