import { testids } from "../lib/testids";
import type { Chat } from "./people/chat";
import { kept } from "./people/kept";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

/** More than a page of history. */
const MANY = 250;

/** Sends so many messages, many at once. */
async function sendMany(bot: Bot, conversation: string, count: number): Promise<void> {
  for (let first = 1; first <= count; first += 50) {
    const batch = Array.from({ length: Math.min(50, count - first + 1) }, (_, index) => first + index);
    await Promise.all(batch.map((n) => bot.send(conversation, `${n} ${"some words ".repeat((n * 7) % 23)}`)));
  }
}

/** The line of what is new is in sight, and stands before this message. */
async function beginsAt(chat: Chat, seq: number): Promise<void> {
  await expect(chat.at("unreadSeparator")).toBeInViewport();
  await expect(chat.at("message").filter({ has: chat.at("unreadSeparator") })).toHaveAttribute("data-seq", `${seq}`);
}

test("a long conversation opens at its first new message, and is read as it is seen", async ({ signUp, system }) => {
  const { chat, username } = await signUp("ann");
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const conversation = await bob.direct((await Bot.logIn(system.api(), username)).id);
  await sendMany(bob, conversation, 3);
  await chat.openEntry(bob.username);
  await expect.poll(() => chat.unread(bob.username)).toBe(0);
  await chat.at("settingsLink").click();
  await expect(chat.at("settings")).toBeVisible();
  await sendMany(bob, conversation, MANY);
  await expect.poll(() => chat.unread(bob.username)).toBe(MANY);

  await chat.openEntry(bob.username);
  await beginsAt(chat, 4);
  await expect.poll(() => chat.unread(bob.username)).toBeLessThan(MANY);
  expect(await chat.unread(bob.username), "what is out of sight stays new").toBeGreaterThan(MANY - 40);
  await beginsAt(chat, 4);
  // What comes now is told, and moves nothing.
  await bob.send(conversation, "one more");
  await expect.poll(() => chat.entry(bob.username).textContent()).toContain("one more");
  await beginsAt(chat, 4);
  await chat.at("newMessages").click();
  await chat.shows("one more");
  await expect.poll(() => chat.unread(bob.username)).toBe(0);
});

test("what came while the page was closed begins at its line, too", async ({ signUp, system }) => {
  const { chat, device, username } = await signUp("ann");
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  const conversation = await bob.direct(ann.id);
  await sendMany(bob, conversation, 40);
  // Opened while they come, it would follow them.
  await expect.poll(() => chat.unread(bob.username)).toBe(40);
  await chat.openEntry(bob.username);
  await chat.at("newMessages").click();
  // At the server too: what is told in the last moment of a page may be lost.
  const unread = async () => (await ann.call("GET", "/api/conversations")).conversations[0].unread;
  await expect.poll(unread).toBe(0);
  await expect.poll(() => chat.unread(bob.username)).toBe(0);
  // And in what the next page begins with.
  const read = expect.objectContaining({ id: conversation, entry: expect.objectContaining({ readSeq: 40 }) });
  await expect.poll(async () => (await kept(chat.page)).conversations).toEqual(expect.arrayContaining([read]));
  await chat.page.close();

  await sendMany(bob, conversation, 60);
  const again = await device.tab();
  await again.open(conversation);
  await beginsAt(again, 41);
});

test("a step up through a long conversation is never taken back", async ({ signUp, system }) => {
  const { chat, username } = await signUp("ann");
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  const conversation = await bob.direct(ann.id);
  await sendMany(ann, conversation, MANY);
  await chat.open(conversation);
  await expect(chat.at("message").last()).toBeVisible();
  // Each of them draws the list anew.
  let isReading = true;
  const talk = (async () => {
    while (isReading) await bob.sendSurely(conversation, "meanwhile");
  })();
  const steps = await chat.page.evaluate(readUp, { timelineId: testids.timeline, step: STEP_PIXELS });
  isReading = false;
  await talk;
  expect(steps.length).toBeGreaterThan(20);
  const takenBack = steps
    .map((moved, at) => [at, moved] as const)
    .filter(([, moved]) => Math.abs(moved - STEP_PIXELS) >= 2);
  expect(takenBack).toEqual([]);
});

const STEP_PIXELS = 233;

/** Steps up to the first message; by how much each step moved what is read. Runs in the page. */
async function readUp({ timelineId, step }: { timelineId: string; step: number }): Promise<number[]> {
  const timeline = document.querySelector(`[data-testid="${timelineId}"]`);
  if (!timeline) throw new Error("no timeline");
  const frame = () => new Promise(requestAnimationFrame);
  const top = (row: Element) => row.getBoundingClientRect().top;
  const moves: number[] = [];
  // Whoever stands at the end follows what comes, until the page has noticed that they left.
  while (timeline.scrollHeight - timeline.clientHeight - timeline.scrollTop < 2 * step) {
    timeline.scrollBy(0, -step);
    await frame();
    await frame();
  }
  for (;;) {
    await frame();
    if (timeline.scrollTop < 2 * step) {
      // At the top there is nowhere to go; else older ones are on their way.
      if (timeline.querySelector('[data-seq="1"]')) return moves;
      continue;
    }
    const read = [...timeline.querySelectorAll("[data-seq]")].find((row) => top(row) >= top(timeline));
    const before = read && top(read);
    timeline.scrollBy(0, -step);
    await frame();
    await frame();
    const after = read && timeline.querySelector(`[data-seq="${read.getAttribute("data-seq")}"]`);
    if (before !== undefined && after) moves.push(top(after) - before);
  }
}
