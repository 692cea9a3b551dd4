import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually, type Oort, startOort } from "../support/oort.js";
import { Person } from "../support/person.js";

const sdk = path.join(import.meta.dirname, "../..");
let oort: Oort;

beforeAll(async () => {
  // Beside the package, or above it in a workspace.
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: sdk });
  oort = await startOort();
});

afterAll(async () => {
  await oort?.stop();
});

it("the bot of the README answers, once each, with the package as it is built", async () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(readFileSync(path.join(sdk, "README.md"), "utf8")) ?? [];
  expect(example?.trim().split("\n").length).toBeLessThanOrEqual(10);
  const account = new Person(oort.urls[0]!);
  await account.signUp("echo");
  const ann = await Person.join(oort.urls[0]!, "ann");
  const bot = spawn(process.execPath, ["--input-type=module", "-e", example!], {
    cwd: sdk,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, OORT_URL: oort.urls[0]!, OORT_LOGIN: account.name, OORT_PASSWORD: "secret" },
  });
  try {
    const [echo] = await ann.client.findUsers(account.name);
    const { id } = await ann.client.openDirect(echo!.id);
    // What is on screen is kept whole.
    ann.client.conversation(id).open();
    let pings = 0;
    const pongs = () => ann.texts(id).filter((text) => text === `pong, ${ann.name}`).length;
    // What was said before it first came is none of its business.
    await eventually("it is there", async () => {
      if (pongs() === 0) {
        pings++;
        ann.client.conversation(id).send("ping");
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
      return pongs() > 0;
    });
    const before = pongs();
    for (let number = 1; number <= 5; number++) ann.client.conversation(id).send("ping");
    await eventually("each is answered", () => pongs() >= before + 5);
    ann.client.conversation(id).send("no ping");
    await eventually("stored", () => ann.told.get(id)?.some(({ content }) => content === "no ping"));
    expect(pongs()).toBeLessThanOrEqual(pings + 5);
    expect(ann.faults).toEqual([]);
  } finally {
    bot.kill();
    await ann.client.stop();
  }
});
