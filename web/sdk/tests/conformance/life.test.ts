import "fake-indexeddb/auto";
import { afterEach, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, TIMES } from "../../src/limits.js";
import { eventually, type Oort, startOort } from "../support/oort.js";
import { Person } from "../support/person.js";
import { CuttingProxy } from "../support/proxy.js";

let oort: Oort | null = null;
let people: Person[] = [];

afterEach(async () => {
  await Promise.all(people.map(({ client }) => client.stop()));
  const faults = people.flatMap((person) => person.faults);
  people = [];
  await oort?.stop();
  oort = null;
  expect(faults).toEqual([]);
});

function member(person: Person): Person {
  people.push(person);
  return person;
}

describe("a client", () => {
  it("shows nothing of a server that is replaced, and loses nothing by it", async () => {
    oort = await startOort({ OORT_COMET__RECONNECT_SPREAD_MS: "8000" });
    const ann = member(await Person.join(oort.urls[0]!, "ann"));
    const bob = member(await Person.join(oort.urls[0]!, "bob"));
    const { id } = await ann.client.openDirect(bob.id);
    // What is on screen is kept whole.
    bob.client.conversation(id).open();
    const before = ann.states.length;
    let number = 0;
    const timer = setInterval(() => {
      // All of them may have to wait, and what waits has a bound.
      if (number < DEFAULT_LIMITS.outboxMax) ann.client.conversation(id).send(`${++number}`);
    }, 50);
    const beganAtMs = Date.now();
    await oort.restart?.();
    const awayMs = Date.now() - beganAtMs;
    const hellos = () => ann.frames.filter(({ type }) => type === "hello").length;
    await eventually("ann is back", () => hellos() > 1);
    const backMs = Date.now() - beganAtMs;
    clearInterval(timer);
    await eventually("all are there", () => bob.texts(id).length === number);
    expect(bob.texts(id)).toEqual(Array.from({ length: number }, (_, index) => `${index + 1}`));
    const told = ann.frames.find(({ type }) => type === "reconnect")!.payload as { afterMs: number };
    // A machine that took longer to replace it than ann was told to wait has something to show.
    if (awayMs < told.afterMs && backMs < told.afterMs + 2 * TIMES.graceMs)
      expect(ann.states.slice(before)).toEqual([]);
  });

  it("renews its token in time, on the way and for the next connection", async () => {
    oort = await startOort({ OORT_LOGIC__ACCOUNTS__ACCESS_TTL_MS: "2000" });
    const ann = member(await Person.join(oort.urls[0]!, "ann"));
    const first = ann.tokens!.refreshToken;
    // Shorter than the margin: every call has to renew, and none of them twice with the same token.
    const found = await Promise.all([1, 2, 3].map(() => ann.client.findUsers(ann.name)));
    expect(found.map((users) => users.length)).toEqual([1, 1, 1]);
    expect(ann.tokens!.refreshToken).not.toBe(first);
    const headers = { authorization: `Bearer ${ann.tokens!.accessToken}` };
    const me = `${oort.urls[0]}/api/me`;
    await eventually("that token has ended", async () => (await fetch(me, { headers })).status === 401);
    await ann.client.stop();
    await ann.online();
  });

  it("sends after a crash what it had taken before, once", async () => {
    oort = await startOort({ OORT_COMET__PING_INTERVAL_MS: "30001" });
    const proxy = await CuttingProxy.start(oort.urls[0]!, Math.random);
    proxy.isCutting = false;
    try {
      const before = member(await Person.join(proxy.url, "ann", { storage: "indexeddb" }));
      const { id } = await before.client.createRoom(`crash ${before.name}`.slice(0, 60));
      before.client.conversation(id).send("stored");
      await eventually("stored", () => before.told.get(id)?.length === 1);
      const since = before.client.me.get();
      proxy.isClosed = true;
      proxy.cut();
      before.client.conversation(id).send("left 1");
      before.client.conversation(id).send("left 2");
      await before.client.stop();

      // Without a connection it shows what it had.
      const after = member(
        new Person(proxy.url, { storage: "indexeddb", auth: { kind: "token", ...before.tokens! } }),
      );
      after.client.start();
      await eventually("it shows what was kept", () => after.texts(id).length === 3);
      expect(after.client.me.get()).toEqual(since);
      expect(after.items(id).map(({ kind }) => kind)).toEqual(["message", "pending", "pending"]);
      proxy.isClosed = false;
      await eventually("all stored", () => after.items(id).every(({ kind }) => kind === "message"));
      expect(after.texts(id)).toEqual(["stored", "left 1", "left 2"]);
    } finally {
      await proxy.stop();
    }
  });

  it("that reads too slowly is told so, and has everything in the end, once and in order", async () => {
    oort = await startOort({
      OORT_COMET__SEND_BUDGET_BYTES: "65536",
      OORT_COMET__SOCKET_SEND_BUFFER_BYTES: "8192",
    });
    const proxy = await CuttingProxy.start(oort.urls[0]!, Math.random);
    proxy.isCutting = false;
    try {
      const ann = member(await Person.join(proxy.url, "ann", { limits: { gapMax: 1e9 } }));
      const bob = member(await Person.join(oort.urls[0]!, "bob", { limits: { outboxMax: 1e9 } }));
      const { id } = await bob.client.openDirect(ann.id);
      bob.client.conversation(id).send("first");
      await eventually("ann reads", () => ann.told.get(id)?.length === 1);
      let count = 1;
      await eventually("the server leaves frames out", async () => {
        proxy.pause();
        for (let left = 500; left > 0; left--)
          bob.client.conversation(id).send(`${++count} ${"x".repeat(8000)}`);
        await eventually("stored", () => bob.told.get(id)?.length === count);
        proxy.resume();
        await eventually("ann has it all", () => ann.told.get(id)?.length === count);
        return ann.frames.some(({ type }) => type === "behind");
      });
      expect(ann.told.get(id)!.map(({ seq }) => seq)).toEqual(
        Array.from({ length: count }, (_, index) => index + 1),
      );
    } finally {
      await proxy.stop();
    }
  });

  it("hears what an application pushes", async () => {
    oort = await startOort({ OORT_COMET__PING_INTERVAL_MS: "30002" });
    const ann = member(await Person.join(oort.urls[0]!, "ann"));
    const pushes: unknown[] = [];
    ann.client.on("push", (push) => pushes.push(push));
    for (const body of [{ body: "now" }, { bodyBase64: "/wD+" }]) {
      const response = await fetch(`${oort.urls[0]}/push/user`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${oort.serverToken?.()}` },
        body: JSON.stringify({ userId: ann.id, operation: 1000, ...body }),
      });
      expect(response.status).toBe(204);
    }
    await eventually("both came", () => pushes.length === 2);
    expect(pushes).toEqual([
      { operation: 1000, body: "now" },
      { operation: 1000, bodyBase64: "/wD+" },
    ]);
  });
});
