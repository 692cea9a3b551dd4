import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClientOptions } from "../../src/types.js";
import { eventually, type Oort, startOort } from "../support/oort.js";
import { Person } from "../support/person.js";

let oort: Oort;
let people: Person[] = [];

beforeAll(async () => {
  oort = await startOort();
});

afterAll(async () => {
  await oort?.stop();
});

afterEach(async () => {
  const all = people;
  people = [];
  await Promise.all(all.map(({ client }) => client.stop()));
  // No frame of a real server, nor one of ours, is other than the schema says.
  expect(all.flatMap(({ faults }) => faults)).toEqual([]);
});

/** Somebody new at one of the comets. */
async function join(name: string, options: Partial<ClientOptions> = {}): Promise<Person> {
  const person = await Person.join(oort.urls[people.length % oort.urls.length]!, name, options);
  people.push(person);
  return person;
}

describe("people", () => {
  it("talk to each other, each message once and in order", async () => {
    const [ann, bob] = [await join("ann"), await join("bob")];
    const { id } = await ann.client.openDirect(bob.id);
    for (let number = 1; number <= 100; number++) ann.client.conversation(id).send(`a${number}`);
    await eventually("bob has them", () => bob.told.get(id)?.length === 100);
    bob.client.conversation(id).send("thanks");
    await eventually("ann has it", () => ann.texts(id).includes("thanks"));
    const said = [...Array.from({ length: 100 }, (_, index) => `a${index + 1}`), "thanks"];
    for (const person of [ann, bob]) {
      await eventually("all shown as stored", () => {
        const items = person.items(id);
        return items.length === 101 && items.every(({ kind }) => kind === "message");
      });
      expect(person.texts(id)).toEqual(said);
      expect(person.items(id).map((item) => (item.kind === "message" ? item.seq : 0))).toEqual(
        said.map((_, index) => index + 1),
      );
    }
    expect(bob.client.conversations.get()[0]).toMatchObject({
      id,
      kind: "direct",
      peerId: ann.id,
      head: 101,
    });
  });

  it("make rooms and groups, come and go", async () => {
    const [ann, bob, carol] = [await join("ann"), await join("bob"), await join("carol")];
    const room = await ann.client.createRoom(`room ${ann.name}`.slice(0, 60));
    await eventually("bob hears of it", () =>
      bob.client.conversations.get().some(({ id }) => id === room.id),
    );
    await expect(ann.client.createRoom(room.name)).rejects.toMatchObject({ code: "room_name_taken" });
    expect((await bob.client.listRooms()).map(({ id }) => id)).toContain(room.id);

    const group = await ann.client.createGroup("tea", [bob.id]);
    await eventually("bob is in", () => bob.client.conversations.get().some(({ id }) => id === group.id));
    await ann.client.addMembers(group.id, [carol.id]);
    await eventually("carol is in", () => carol.client.conversations.get().some(({ id }) => id === group.id));
    const names = (await ann.client.members(group.id)).map(({ user }) => user.username);
    expect(names.sort()).toEqual([ann.name, bob.name, carol.name].sort());
    await ann.client.removeMember(group.id, bob.id);
    await eventually("bob is out", () => !bob.client.conversations.get().some(({ id }) => id === group.id));
    await eventually("it was told", () =>
      ann.items(group.id).some((item) => item.kind === "message" && item.system?.event === "member_removed"),
    );
    await expect(bob.client.members(group.id)).rejects.toMatchObject({ name: "OortError" });
    expect((await ann.client.findUsers(carol.name)).map(({ id }) => id)).toEqual([carol.id]);
  });

  it("see older messages page by page, back to the first", async () => {
    const ann = await join("ann");
    const { id } = await ann.client.createRoom(`long ${ann.name}`.slice(0, 60));
    for (let number = 1; number <= 250; number++) ann.client.conversation(id).send(`${number}`);
    await eventually("stored", () => ann.told.get(id)?.length === 250);
    const bob = await join("bob");
    const handle = bob.client.conversation(id);
    handle.open();
    expect(handle.log.get()).toMatchObject({ hasOlder: true, gap: null, head: 250 });
    const pages = [handle.log.get().items.length];
    while (await handle.loadOlder()) pages.push(handle.log.get().items.length);
    expect(bob.texts(id)).toEqual(Array.from({ length: 250 }, (_, index) => `${index + 1}`));
    expect(pages.length).toBeGreaterThan(1);
  });

  it("find messages by their words", async () => {
    const [ann, bob] = [await join("ann"), await join("bob")];
    const { id } = await ann.client.openDirect(bob.id);
    const word = `w${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    const said = `👍 Café ${word} 我们在家`;
    ann.client.conversation(id).send(said);
    ann.client.conversation(id).send(`${word} again`);
    const search = async () => (await bob.client.search(word)).results;
    await eventually("both are found", async () => (await search()).length === 2);
    const first = await bob.client.search(word, { limit: 1, conversationId: id });
    expect(first.results.map(({ message }) => message.content)).toEqual([`${word} again`]);
    const second = await bob.client.search(`cafe 在家 ${word}`);
    expect(second).toMatchObject({ results: [{ conversationId: id, message: { seq: 1, content: said } }] });
    expect(second.results[0]?.ranges.map(([start, end]) => said.slice(start, end))).toEqual([
      "Café",
      word,
      "在家",
    ]);
    expect(second.next).toBeUndefined();
    const rest = await bob.client.search(word, { before: first.next! });
    expect(rest.results.map(({ message }) => message.seq)).toEqual([1]);
    await expect(bob.client.search("…")).rejects.toMatchObject({ code: "invalid_field" });
  });

  it("hear in words what is refused", async () => {
    const [ann, bob, carol] = [await join("ann"), await join("bob"), await join("carol")];
    const { id } = await ann.client.createGroup("ours", [bob.id]);
    carol.client.conversation(id).send("let me in");
    const item = await eventually("it fails", () =>
      carol.items(id).find((item) => item.kind === "pending" && item.state === "failed"),
    );
    expect(item).toMatchObject({ error: { code: expect.stringMatching(/not_member|not_found/) } });
    carol.client.conversation(id).discard((item as { localId: string }).localId);
    expect(carol.items(id)).toEqual([]);
    ann.client.conversation(id).send("ä".repeat(5000));
    expect(ann.items(id).at(-1)).toMatchObject({ state: "failed", error: { code: "too_large" } });
    const nobody = new Person(oort.urls[0]!);
    await expect(nobody.client.account.logIn({ login: ann.name, password: "wrong" })).rejects.toMatchObject({
      code: "login_failed",
    });
  });

  it("are told when nobody is logged in, and come back when somebody is", async () => {
    const ann = await join("ann");
    await ann.client.account.logOut();
    expect(ann.client.connection.get().state).toBe("unauthenticated");
    expect(ann.client.me.get()).toBeNull();
    expect(ann.client.conversations.get()).toEqual([]);
    expect(ann.tokens).toBeNull();
    await ann.client.account.logIn({ login: ann.name, password: "secret" });
    await eventually("online", () => ann.client.connection.get().state === "online");
    await eventually("known", () => ann.client.me.get()?.username === ann.name);
  });

  it("see where they are logged in and end that elsewhere, where the server can", async () => {
    const ann = await join("ann");
    const other = new Person(oort.urls.at(-1)!);
    people.push(other);
    await other.client.account.logIn({ login: ann.name, password: "secret" });
    await other.online();
    const sessions = await ann.client.account.sessions().catch((error: unknown) => error);
    if (sessions instanceof Error) {
      expect(sessions).toMatchObject({
        name: "OortError",
        code: expect.stringMatching(/not_found|method_not/),
      });
      return;
    }
    const all = sessions as { id: string; current: boolean }[];
    expect(all.map(({ current }) => current).sort()).toEqual([false, true]);
    await ann.client.account.endSession(all.find(({ current }) => !current)!.id);
    await eventually("the other is out", () => other.client.connection.get().state === "unauthenticated");
    expect(other.client.conversations.get()).toEqual([]);
    expect(ann.client.connection.get().state).toBe("online");
  });

  it("count what is unread alike, here and at the server", async () => {
    const [ann, bob] = [await join("ann"), await join("bob")];
    const { id } = await ann.client.openDirect(bob.id);
    const handle = ann.client.conversation(id);
    const unread = () => bob.client.conversations.get().find((entry) => entry.id === id)?.unread;
    for (const text of ["1", "2", "3"]) handle.send(text);
    await eventually("three unread", () => unread() === 3);
    bob.client.conversation(id).markRead(2);
    expect(unread()).toBe(1);
    bob.client.conversation(id).send("mine");
    await eventually("stored", () => bob.told.get(id)?.length === 4);
    expect(unread()).toBe(1);
    bob.client.conversation(id).markRead();
    expect(unread()).toBe(0);
    if (!bob.hasCursors) return;
    // What another device is told is what this one had counted itself.
    await eventually("ann sees that bob has read", () => {
      return ann.client.conversations.get().find((entry) => entry.id === id)?.peerReadSeq === 4;
    });
    const other = new Person(oort.urls[0]!);
    people.push(other);
    await other.client.account.logIn({ login: bob.name, password: "secret" });
    await other.online();
    expect(other.client.conversations.get().find((entry) => entry.id === id)).toMatchObject({
      unread: 0,
      readSeq: 4,
    });
  });

  it("see who is there and who types, where the server tells", async () => {
    const [ann, bob] = [await join("ann"), await join("bob")];
    const { id } = await ann.client.openDirect(bob.id);
    await eventually("bob has it", () => bob.client.conversations.get().some((entry) => entry.id === id));
    for (const person of [ann, bob]) person.client.conversation(id).open();
    const presence = ann.client.presence([bob.id]);
    presence.subscribe(() => {});
    const answered = ({ type, direction }: { type: string; direction: string }) =>
      direction === "in" && (type === "presence" || type === "error");
    await eventually("watch is answered", () => ann.frames.some(answered) && bob.frames.some(answered));
    if (!ann.frames.some(({ type }) => type === "presence")) {
      ann.client.conversation(id).setTyping(true);
      expect(ann.frames.some(({ type }) => type === "typing")).toBe(false);
      return;
    }
    await eventually("bob is online", () => presence.get().get(bob.id)?.online === true);
    // One that comes too soon after another is dropped: he goes on.
    await eventually("bob types", () => {
      bob.client.conversation(id).setTyping(true);
      return ann.client.conversation(id).typing.get()[0]?.id === bob.id;
    });
    bob.client.conversation(id).setTyping(false);
    await eventually("bob types no more", () => ann.client.conversation(id).typing.get().length === 0);
    await bob.client.stop();
    await eventually("bob is gone", () => presence.get().get(bob.id)?.online === false);
    expect(presence.get().get(bob.id)?.lastSeenMs).toBeGreaterThan(0);
  });
});
