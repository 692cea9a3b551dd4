import { randomBytes } from "node:crypto";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  test as base,
  expect,
  type Page,
} from "@playwright/test";
import { Line } from "../servers/line";
import type { Settings } from "../servers/node";
import { type Shape, System } from "../servers/system";
import { Chat } from "./chat";
import { Guard } from "./guard";

export { expect };

/** The password of everybody here. */
export const PASSWORD = "correct horse";

/** A name nobody else has. */
export const unique = (prefix: string) => `${prefix}${randomBytes(5).toString("hex")}`;

/** A browser of its own, with its own cookies and storage, behind its own line to the servers. */
export interface Device {
  context: BrowserContext;
  line: Line;
  guard: Guard;
  /** A new tab. */
  tab(): Promise<Chat>;
}

export interface Devices {
  /** A device on comet number `comet`; in a cluster 0 and 1 differ. */
  get(comet?: number, options?: BrowserContextOptions): Promise<Device>;
  /** A device whose line leads to any comet that runs. */
  roaming(): Promise<Device>;
}

export interface Person {
  username: string;
  device: Device;
  chat: Chat;
}

export const test = base.extend<
  { devices: Devices; signUp: (prefix: string, device?: Device) => Promise<Person> },
  { shape: Shape; settings: Settings; system: System }
>({
  shape: ["standalone", { option: true, scope: "worker" }],
  settings: [{}, { option: true, scope: "worker" }],
  system: [
    async ({ shape, settings }, use) => {
      const system = await System.start(shape, settings);
      await use(system);
      await system.stop();
    },
    { scope: "worker", timeout: 300_000 },
  ],
  devices: async ({ browser, system }, use) => {
    const made: Device[] = [];
    const make = async (target: () => string | undefined, options: BrowserContextOptions = {}) => {
      const device = await open(browser, await Line.lay(target), options);
      made.push(device);
      return device;
    };
    await use({
      get: (comet = 0, options) => make(() => system.comet(comet).address("http"), options),
      roaming: () => make(() => system.comets.find((comet) => comet.isRunning)?.address("http")),
    });
    const problems = made.flatMap(({ guard }) => guard.problems());
    for (const { context, line } of made) {
      await context.close();
      await line.close();
    }
    expect(problems, "breaches of the policy, errors on the console, exceptions").toEqual([]);
  },
  signUp: async ({ devices }, use) => {
    await use(async (prefix, device) => {
      const own = device ?? (await devices.get());
      const chat = await own.tab();
      const username = unique(prefix);
      await logInAsNew(chat.page, username);
      await chat.open();
      return { username, device: own, chat };
    });
  },
});

async function open(browser: Browser, line: Line, options: BrowserContextOptions): Promise<Device> {
  const context = await browser.newContext({ baseURL: line.url, locale: "en-GB", ...options });
  const guard = await Guard.over(context);
  return { context, line, guard, tab: async () => new Chat(await context.newPage()) };
}

/** Makes an account for the browser of this page, without the screens for it: `Chat.signUp` goes through those. */
async function logInAsNew(page: Page, username: string): Promise<void> {
  // By this name the device is listed.
  const headers = { "user-agent": await page.evaluate(() => navigator.userAgent) };
  const data = { username, password: PASSWORD, cookie: true };
  const made = await page.context().request.post("/api/accounts", { data, headers });
  expect(made.ok(), await made.text()).toBe(true);
}
