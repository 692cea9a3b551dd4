import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type CDPSession, expect, type Page } from "@playwright/test";
import type { Chat } from "./people/chat";
import { test, unique } from "./people/test";
import { type Usable, usable, watchUsable } from "./people/usable";
import { Bot } from "./servers/bot";

/** Figures by name, units in the names; a list holds one sample per repetition. */
const figures: Record<string, number | number[]> = {};
const MESSAGES = 10_000;
const ARRIVALS_PER_S = 200;
const TYPING_MS = 15_000;
/** Loads of each kind. */
const LOADS = 12;
/** Conversations in the list that is loaded. */
const CONVERSATIONS = 40;
/** Processes that wanted the machine in the minute before, on average: what ran beside. */
const LOAD_BEFORE = Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10;

test.describe.configure({ mode: "serial" });

test.afterAll(({ browser }) => {
  const date = new Date().toISOString().slice(0, 10);
  const file = fileURLToPath(new URL(`../../benches/results/web-${date}.json`, import.meta.url));
  const machine = { processors: cpus().length, memory_bytes: totalmem(), browser: `Chromium ${browser.version()}` };
  const beside = { load_average_1m_before: LOAD_BEFORE, what: process.env.OORT_BENCH_BESIDE ?? "not said" };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ scenario: "web", target: "oort", machine, beside, figures }, null, 2)}\n`);
  for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${[value].flat().join(" ")}`);
});

test("first load: bytes over the wire, with nothing cached and with everything", async ({ devices, signUp }) => {
  const { chat, device } = await signUp("ann");
  for (const cache of ["cold", "warm"] as const) {
    const tab = await device.tab();
    const devtools = await device.context.newCDPSession(tab.page);
    await devtools.send("Network.enable");
    // What a service worker keeps is a cache as well.
    await devtools.send("Network.setBypassServiceWorker", { bypass: cache === "cold" });
    await devtools.send("Network.setCacheDisabled", { cacheDisabled: cache === "cold" });
    const loaded = countBytes(devtools);
    await tab.open();
    figures[`chat_${cache}_wire_bytes`] = loaded().all;
    figures[`chat_${cache}_script_wire_bytes`] = loaded().scripts;
    await tab.page.close();
  }
  await chat.page.close();

  const stranger = await (await devices.get(0)).tab();
  const devtools = await stranger.page.context().newCDPSession(stranger.page);
  await devtools.send("Network.enable");
  const loaded = countBytes(devtools);
  await stranger.page.goto("/");
  await expect(stranger.at("logInForm")).toBeVisible();
  figures.door_cold_wire_bytes = loaded().all;
  figures.door_cold_script_wire_bytes = loaded().scripts;
});

test("first load: time to usable, in browsers that have nothing and in those that have been here", async ({
  devices,
  signUp,
  system,
}) => {
  const { chat, device, username } = await signUp("ann");
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  for (let n = 1; n <= CONVERSATIONS; n++) await bob.send(await bob.group(`Group ${n}`, [ann.id]), "Good morning");
  const conversation = await bob.direct(ann.id);
  for (let n = 1; n <= 30; n++) await (n % 3 === 0 ? ann : bob).send(conversation, `Message ${n}`);
  await chat.open(conversation);
  await chat.shows("Message 30");
  // A log-in and nothing else: no cache, no database, no service worker.
  const { cookies } = await device.context.storageState();
  const loads: Record<"cold" | "warm" | "door", Usable[]> = { cold: [], warm: [], door: [] };
  const load = async (kind: keyof typeof loads, { page }: Chat, address: string) => {
    await page.goto(address, { waitUntil: "commit" });
    loads[kind].push(await usable(page));
  };
  for (let repetition = 0; repetition < LOADS; repetition++) {
    const own = await devices.get(0, { storageState: { cookies, origins: [] } });
    await watchUsable(own.context, "chat");
    const first = await own.tab();
    await load("cold", first, `/chat/?c=${conversation}`);
    await first.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await first.page.close();
    const second = await own.tab();
    await load("warm", second, `/chat/?c=${conversation}`);
    await own.context.close();

    const stranger = await devices.get(0);
    await watchUsable(stranger.context, "door");
    await load("door", await stranger.tab(), "/login/");
    await stranger.context.close();
  }
  figures.usable_loads = LOADS;
  for (const [kind, samples] of Object.entries(loads)) {
    const name = kind === "door" ? "door_cold" : `chat_${kind}`;
    for (const what of ["usable", "online"] as const) {
      const times = samples.flatMap((sample) => sample[`${what}Ms`] ?? []);
      if (times.length === 0) continue;
      figures[`${name}_${what}_ms`] = times.map(Math.round);
      figures[`${name}_${what}_p50_ms`] = quantile(times, 0.5);
      figures[`${name}_${what}_max_ms`] = quantile(times, 1);
    }
  }
});

test("scrolling through ten thousand messages", async ({ signUp, system }) => {
  const { chat, username } = await signUp("ann");
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  const conversation = await bob.direct(ann.id);
  for (let first = 1; first <= MESSAGES; first += 50) {
    const batch = Array.from({ length: 50 }, (_, index) => first + index);
    await Promise.all(batch.map((n) => bob.send(conversation, `Message ${n}: ${"some words ".repeat(n % 12)}`)));
  }
  await chat.open(conversation);
  await expect(chat.at("message").last()).toBeVisible();
  const began = Date.now();
  const { frames, nodesMax } = await chat.page.evaluate(scrollToTop, "timeline");
  figures.scroll_messages = MESSAGES;
  figures.scroll_whole_s = Math.round((Date.now() - began) / 100) / 10;
  figures.scroll_frame_p50_ms = quantile(frames, 0.5);
  figures.scroll_frame_p95_ms = quantile(frames, 0.95);
  figures.scroll_frame_p99_ms = quantile(frames, 0.99);
  figures.scroll_frame_max_ms = quantile(frames, 1);
  figures.scroll_frames_above_50_ms_share = frames.filter((ms) => ms > 50).length / frames.length;
  figures.scroll_message_elements_max = nodesMax;
  figures.scroll_heap_bytes = await heapBytes(chat.page);
});

test("typing while two hundred messages a second arrive", async ({ signUp, system }) => {
  const { chat, username } = await signUp("ann");
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  const conversation = await bob.direct(ann.id);
  await bob.send(conversation, "begin");
  await chat.open(conversation);
  await chat.shows("begin");
  await chat.at("composerText").click();
  await chat.page.evaluate(watchInput);

  let isTyping = true;
  let sent = 0;
  const began = performance.now();
  const flood = (async () => {
    const underWay = new Set<Promise<unknown>>();
    while (isTyping) {
      const due = Math.floor(((performance.now() - began) / 1000) * ARRIVALS_PER_S);
      for (; sent < due; sent++) {
        const send = bob.sendSurely(conversation, `flood ${sent}`).finally(() => underWay.delete(send));
        underWay.add(send);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(underWay);
  })();
  while (performance.now() - began < TYPING_MS) {
    await chat.page.keyboard.type("type ", { delay: 60 });
  }
  isTyping = false;
  const elapsedS = (performance.now() - began) / 1000;
  await flood;
  const { inputs, frames } = await chat.page.evaluate(readInput);
  expect(inputs.length).toBeGreaterThan(20);
  figures.input_arrivals_per_s = Math.round(sent / elapsedS);
  figures.input_samples = inputs.length;
  figures.input_delay_p50_ms = quantile(inputs, 0.5);
  figures.input_delay_p95_ms = quantile(inputs, 0.95);
  figures.input_delay_p99_ms = quantile(inputs, 0.99);
  figures.input_delay_max_ms = quantile(inputs, 1);
  figures.input_frame_p95_ms = quantile(frames, 0.95);
});

/** Bytes as they come over the wire, compressed, with headers. */
function countBytes(devtools: CDPSession): () => { all: number; scripts: number } {
  const scripts = new Set<string>();
  const sum = { all: 0, scripts: 0 };
  devtools.on("Network.responseReceived", ({ requestId, type }) => {
    if (type === "Script") scripts.add(requestId);
  });
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    sum.all += encodedDataLength;
    if (scripts.has(requestId)) sum.scripts += encodedDataLength;
  });
  return () => sum;
}

/** Wheels up as fast as frames come until the first message is there; runs in the page. */
async function scrollToTop(timelineId: string): Promise<{ frames: number[]; nodesMax: number }> {
  const timeline = document.querySelector(`[data-testid="${timelineId}"]`);
  if (!timeline) throw new Error("no timeline");
  const frames: number[] = [];
  let nodesMax = 0;
  let before = await new Promise<number>(requestAnimationFrame);
  for (;;) {
    timeline.scrollBy(0, -600);
    const now = await new Promise<number>(requestAnimationFrame);
    frames.push(now - before);
    before = now;
    nodesMax = Math.max(nodesMax, timeline.querySelectorAll("[data-seq]").length);
    if (timeline.querySelector('[data-seq="1"]')) return { frames, nodesMax };
  }
}

interface Watched {
  inputs: number[];
  frames: number[];
}

/** From a key press to the frame that shows it, by the browser's own clock; runs in the page. */
function watchInput(): void {
  const watched: Watched = { inputs: [], frames: [] };
  (window as unknown as { watched: Watched }).watched = watched;
  addEventListener(
    "keydown",
    (event) => {
      const pressedAt = event.timeStamp;
      // The frame after the next begins when the next one, which shows the letter, is done.
      requestAnimationFrame(() => requestAnimationFrame((shownAt) => watched.inputs.push(shownAt - pressedAt)));
    },
    { capture: true },
  );
  let before = performance.now();
  const frame = (now: number) => {
    watched.frames.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

function readInput(): Watched {
  return (window as unknown as { watched: Watched }).watched;
}

async function heapBytes(page: Page): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return usedSize;
}

/** One decimal is what the clock is good for. */
function quantile(samples: number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
