import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { IndexedDbStorage } from "../../src/io/indexeddb.js";
import { Browser } from "../support/browser.js";
import { ANN, BOB } from "../support/messages.js";
import { eventually } from "../support/oort.js";
import { FakeServer } from "../support/server.js";

let server: FakeServer;
let browser: Browser;
let clients: Client[] = [];

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  server = new FakeServer();
  server.addRoom("7");
  server.addRoom("8");
  browser = new Browser(server, ANN);
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  clients = [];
  vi.unstubAllGlobals();
});

async function open(tab: string): Promise<Client> {
  const client = browser.as(tab, () => {
    const client = createClient({ url: "", auth: { kind: "cookie" }, WebSocket: browser.socketClass(tab) });
    client.start();
    return client;
  });
  clients.push(client);
  return client;
}

async function online(tab: string): Promise<Client> {
  const client = await open(tab);
  await eventually(`${tab} is online`, () => isOnline(client));
  await eventually(`${tab} knows`, () => client.conversations.get().length === 2);
  return client;
}

/** What waits to be sent in the database that all tabs share. */
async function keptOutbox() {
  const [database] = await indexedDB.databases();
  const storage = new IndexedDbStorage(database?.name ?? "");
  const kept = await storage.outbox();
  storage.close();
  return kept;
}

const isOnline = (client: Client) => client.connection.get().state === "online";
const texts = (client: Client, id: string) =>
  client
    .conversation(id)
    .log.get()
    .items.map(({ content }) => content);

describe("tabs", () => {
  it("share one socket, and what it brings", async () => {
    const [one, two, three] = [await online("one"), await online("two"), await online("three")];
    expect(browser.sockets.size).toBe(1);
    expect([one, two, three].map((client) => client.connection.get().leader)).toEqual([true, false, false]);
    server.post("7", BOB, "to all");
    for (const client of [one, two, three])
      await eventually("it is there", () => texts(client, "7").length === 1);
    two.conversation("7").send("from two");
    for (const client of [one, two, three])
      await eventually("it is there", () => texts(client, "7").length === 2);
    expect(texts(three, "7")).toEqual(["to all", "from two"]);
    expect(
      two
        .conversation("7")
        .log.get()
        .items.every(({ kind }) => kind === "message"),
    ).toBe(true);
    await eventually("all know themselves", () =>
      [one, two, three].every((client) => client.me.get()?.operator),
    );
  });

  it("may be opened at the same moment", async () => {
    const before = await online("before");
    server.post("7", BOB, "kept");
    await eventually("it is there", () => texts(before, "7").length === 1);
    await before.stop();
    server.post("7", BOB, "since");
    const many = await Promise.all(["one", "two", "three", "four"].map((tab) => open(tab)));
    for (const client of many) {
      await eventually("online", () => isOnline(client));
      await eventually("all is there", () => texts(client, "7").join() === "kept,since");
    }
    expect(many.filter((client) => client.connection.get().leader)).toHaveLength(1);
    expect(browser.sockets.size).toBe(1);
  });

  it("read back through the one that has the socket", async () => {
    for (let number = 1; number <= 30; number++) server.post("7", BOB, `${number}`);
    const [, two] = [await online("one"), await online("two")];
    expect(texts(two, "7").length).toBeLessThan(30);
    while (await two.conversation("7").loadOlder());
    expect(texts(two, "7")).toEqual(Array.from({ length: 30 }, (_, index) => `${index + 1}`));
  });

  it("know what lies before that which they were told of", async () => {
    for (let number = 1; number <= 60; number++) server.post("7", BOB, `${number}`);
    const one = await online("one");
    while (await one.conversation("7").loadOlder());
    expect(texts(one, "7")).toHaveLength(60);
    const two = await online("two");
    expect(texts(two, "7")[0]).toBe("31");
    expect(two.conversation("7").log.get().hasOlder).toBe(true);
    while (await two.conversation("7").loadOlder());
    expect(texts(two, "7")).toEqual(texts(one, "7"));
  });

  it("fetch changes of what they show, also when the one with the socket does not show it", async () => {
    for (let number = 1; number <= 8; number++) server.post("7", BOB, `${number}`);
    const [one, two] = [await online("one"), await online("two")];
    two.conversation("7").open();
    while (await two.conversation("7").loadOlder());
    browser.isReachable = false;
    for (const socket of [...browser.sockets.keys()]) socket.end(1006, "");
    await eventually("the connection is gone", () => !isOnline(one) && !isOnline(two));
    server.change("7", BOB, 1, "recalled");
    browser.isReachable = true;
    await eventually("it is taken back", () => texts(two, "7")[0] === "");
    expect(one.connection.get().leader).toBe(true);
  });

  it("go on at once when the one with the socket is closed or crashes", async () => {
    const [one, two, three] = [await online("one"), await online("two"), await online("three")];
    const states: string[] = [];
    two.connection.subscribe(() => states.push(two.connection.get().state));
    await one.stop();
    await eventually("two leads", () => two.connection.get().leader);
    server.post("7", BOB, "1");
    await eventually("three hears", () => texts(three, "7").length === 1);
    expect(browser.sockets.size).toBe(1);
    expect(new Set(states)).toEqual(new Set(["online"]));

    browser.crash("two");
    await eventually("three leads", () => three.connection.get().leader);
    server.post("7", BOB, "2");
    await eventually("three hears", () => texts(three, "7").length === 2);
    expect(browser.sockets.size).toBe(1);
  });

  it("send what a tab has left that crashed", async () => {
    const [one, two] = [await online("one"), await online("two")];
    browser.isReachable = false;
    for (const socket of [...browser.sockets.keys()]) socket.end(1006, "");
    two.conversation("7").send("left behind");
    await eventually("it is kept", async () => (await keptOutbox()).length === 1);
    browser.crash("two");
    await eventually("one has taken it over", () => texts(one, "7").includes("left behind"));
    browser.isReachable = true;
    await eventually("it is stored", () => server.rooms.get("7")!.messages.length === 1);
    await eventually(
      "it is shown as stored",
      () => one.conversation("7").log.get().items[0]?.kind === "message",
    );
  });

  it("show at once what was kept, without a server", async () => {
    server.post("7", BOB, "kept");
    const before = await online("before");
    await before.stop();
    browser.isReachable = false;
    const after = await open("after");
    await eventually("it shows", () => texts(after, "7").length === 1);
    expect(after.me.get()).toMatchObject(ANN);
    expect(after.connection.get().state).not.toBe("online");
    browser.isReachable = true;
    await eventually("online", () => isOnline(after));
    // It said what it knows, and was told only what is new.
    expect(browser.sinces).toEqual([null, "3"]);
    expect(after.conversations.get()).toHaveLength(2);
  });

  it("watch together what each of them shows", async () => {
    const [one, two] = [await online("one"), await online("two")];
    one.conversation("7").open();
    two.conversation("8").open();
    const presence = two.presence([BOB.id]);
    presence.subscribe(() => {});
    await eventually("presence is known", () => presence.get().get(BOB.id)?.online);
    const watched = () =>
      server.received.flatMap((frame) => (frame.type === "watch" ? [frame.payload] : [])).at(-1);
    expect([...(watched()?.roomIds ?? [])].sort()).toEqual(["7", "8"]);
    browser.crash("two");
    await eventually("two is no longer counted", () => watched()?.roomIds.join() === "7");
    expect(watched()?.userIds).toEqual([]);
  });

  it("are left alone together: the server is told when all of them are", async () => {
    const [one, two] = [await online("one"), await online("two")];
    const told = () =>
      server.received.flatMap((frame) => (frame.type === "away" ? [frame.payload.away] : []));
    const last = (away: boolean) => () => told().at(-1) === away;
    two.setAway(true);
    await eventually("the server has heard of it", () => told().length > 0);
    expect(told()).not.toContain(true);
    one.setAway(true);
    await eventually("both are left alone", last(true));
    two.setAway(false);
    await eventually("one of them is used", last(false));
    two.setAway(true);
    await eventually("both are left alone again", last(true));
    await online("three");
    await eventually("another one was opened", last(false));
    browser.crash("three");
    await eventually("it is gone", last(true));
  });

  it("are no longer left alone when one was used while there was no connection", async () => {
    const [one, two] = [await online("one"), await online("two")];
    const told = () =>
      server.received.flatMap((frame) => (frame.type === "away" ? [frame.payload.away] : []));
    one.setAway(true);
    two.setAway(true);
    await eventually("both are left alone", () => told().at(-1) === true);
    browser.isReachable = false;
    for (const socket of [...browser.sockets.keys()]) socket.end(1006, "");
    await eventually("the connection is gone", () => !isOnline(one) && !isOnline(two));
    two.setAway(false);
    const before = told().length;
    browser.isReachable = true;
    await eventually("both are back", () => isOnline(one) && isOnline(two));
    await eventually("the server knows that one is used", () => told().slice(before).at(-1) === false);
  });

  it("all forget when one logs out, and all come back when one logs in", async () => {
    const [one, two] = [await online("one"), await online("two")];
    await two.account.logOut();
    for (const client of [one, two]) {
      await eventually("nobody is there", () => client.connection.get().state === "unauthenticated");
      expect(client.me.get()).toBeNull();
      expect(client.conversations.get()).toEqual([]);
    }
    browser.user = BOB;
    await two.account.logIn({ login: "bob", password: "secret" });
    for (const client of [one, two]) {
      await eventually("online", () => isOnline(client));
      await eventually("known", () => client.me.get()?.id === BOB.id);
    }
    expect(browser.sockets.size).toBe(1);
  });

  it("use a refresh token once, also when what one has renewed was not heard by the other", async () => {
    const token = (lifeMs: number) => {
      const payload = { exp: Math.floor((Date.now() + lifeMs) / 1000) };
      return `h.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.s`;
    };
    let good = { accessToken: token(100_000), refreshToken: "r1" };
    const refreshed: string[] = [];
    const rest = fetch;
    const json = (status: number, body: object) => new Response(JSON.stringify(body), { status });
    vi.stubGlobal("fetch", async (path: string, init: { headers: Record<string, string>; body: string }) => {
      if (path.endsWith("/refresh")) {
        const { refreshToken } = JSON.parse(init.body);
        refreshed.push(refreshToken);
        if (refreshToken !== good.refreshToken)
          return json(401, { code: "refresh_reused", message: "again" });
        const count = refreshed.length + 1;
        good = { accessToken: token(count * 100_000), refreshToken: `r${count}` };
        return json(200, { user: ANN, ...good });
      }
      if (init.headers.authorization !== `Bearer ${good.accessToken}`)
        return json(401, { code: "unauthenticated", message: "log in" });
      return path.includes("/api/users") ? json(200, { users: [BOB] }) : rest(path);
    });
    const auth = { kind: "token" as const, ...good };
    const [one, two] = ["one", "two"].map((tab) =>
      browser.as(tab, () => createClient({ url: "", auth, WebSocket: browser.socketClass(tab) })),
    ) as [Client, Client];
    clients.push(one, two);
    browser.as("one", () => one.start());
    await eventually("one is online", () => isOnline(one));
    const renew = () => {
      good = { ...good, accessToken: token(1) };
      return one.findUsers("b");
    };
    // It was told before the other one listens.
    await renew();
    browser.as("two", () => two.start());
    await eventually("two is online", () => isOnline(two));
    expect(await two.findUsers("b")).toEqual([BOB]);
    // It is told, and does not come.
    const post = browser.post.bind(browser);
    browser.post = (from, data) => (data as { kind: string }).kind !== "tokens" && post(from, data);
    await renew();
    expect(await two.findUsers("b")).toEqual([BOB]);
    expect(refreshed).toEqual(["r1", "r2"]);
  });

  it("may be stopped and started, as pages do", async () => {
    const client = await open("one");
    void client.stop();
    browser.as("one", () => client.start());
    await eventually("online", () => isOnline(client));
    expect(browser.sockets.size).toBe(1);
    await client.stop();
    expect(browser.sockets.size).toBe(0);
    expect(client.connection.get()).toEqual({ state: "offline", leader: false });
  });
});
