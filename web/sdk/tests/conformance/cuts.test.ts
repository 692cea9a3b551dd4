import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../src/limits.js";
import { eventually, type Oort, startOort } from "../support/oort.js";
import { Person } from "../support/person.js";
import { CuttingProxy, randomFrom, seed } from "../support/proxy.js";

const PEOPLE = 5;
/** So many rounds in which each says something, and more until there were cuts enough. */
const ROUNDS = 80;
const CUTS = PEOPLE * 2;
/** Who has more than so many waiting says nothing for now: an outbox has a bound. */
const WAITING_MAX = DEFAULT_LIMITS.outboxMax / 2;

let oort: Oort;

beforeAll(async () => {
  oort = await startOort();
});

afterAll(async () => {
  await oort?.stop();
});

describe("links that are cut at random", () => {
  it("lose nothing, double nothing, and change no order", async () => {
    const random = randomFrom(seed());
    const proxies: CuttingProxy[] = [];
    const people: Person[] = [];
    try {
      for (let index = 0; index < PEOPLE; index++) {
        const proxy = await CuttingProxy.start(oort.urls[index % oort.urls.length]!, random);
        proxies.push(proxy);
        proxy.isCutting = false;
        people.push(await Person.join(proxy.url, "cut"));
      }
      const [first] = people;
      const room = await first!.client.createRoom(`cuts ${first!.name}`.slice(0, 60));
      const others = people.slice(1).map(({ id }) => id);
      const group = await first!.client.createGroup("cuts", others);
      const ids = [room.id, group.id];
      for (const { client } of people) {
        await eventually("everybody is in", () => {
          const known = client.conversations.get().map(({ id }) => id);
          return ids.every((id) => known.includes(id));
        });
        // What is on screen is kept whole.
        for (const id of ids) client.conversation(id).open();
      }
      // The links that are there live on; from the next ones on they are cut.
      for (const proxy of proxies) {
        proxy.isCutting = true;
        proxy.cut();
      }
      const said = new Map<string, string[]>(ids.map((id) => [id, []]));
      const cuts = () => proxies.reduce((sum, proxy) => sum + proxy.cuts, 0);
      for (let number = 1; number <= ROUNDS || cuts() <= CUTS; number++) {
        for (const [index, person] of people.entries()) {
          const waiting = ids.flatMap((id) => person.items(id)).filter(({ kind }) => kind === "pending");
          if (waiting.length > WAITING_MAX) continue;
          const id = ids[Math.floor(random() * ids.length)]!;
          const text = `${index}:${number} ${"x".repeat(Math.floor(random() * 200))}`;
          person.client.conversation(id).send(text);
          said.get(id)!.push(text);
        }
        await new Promise((resolve) => setTimeout(resolve, random() * 100));
      }
      for (const proxy of proxies) proxy.isCutting = false;
      console.log(`${cuts()} cuts, ${[...said.values()].flat().length} messages`);

      for (const id of ids) {
        const count = said.get(id)!.length;
        for (const { client } of people) {
          await eventually(`all ${count} messages`, () => {
            const { items, gap } = client.conversation(id).log.get();
            const stored = items.flatMap((item) => (item.kind === "message" ? [item] : []));
            // What the server itself says of a group is no message of anybody's.
            const texts = stored.filter(({ system }) => !system);
            return gap === null && stored.length === items.length && texts.length >= count;
          });
        }
        const all = people.map((person) =>
          person.items(id).flatMap((item) => (item.kind === "message" ? [item] : [])),
        );
        for (const items of all) {
          expect(items.map(({ seq, content }) => [seq, content])).toEqual(
            all[0]!.map(({ seq, content }) => [seq, content]),
          );
          expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => items[0]!.seq + index));
        }
        const texts = all[0]!.filter(({ system }) => !system).map(({ content }) => content);
        expect([...texts].sort()).toEqual([...said.get(id)!].sort());
        for (const [index, person] of people.entries()) {
          // In the order everyone sent them.
          const own = (list: readonly string[]) => list.filter((text) => text.startsWith(`${index}:`));
          expect(own(texts)).toEqual(own(said.get(id)!));
          // Each told once, in order.
          const told = person.told.get(id)!.map(({ seq }) => seq);
          expect(told).toEqual(told.map((_, index) => told[0]! + index));
          expect(told.at(-1)).toBe(all[0]!.at(-1)!.seq);
        }
      }
      expect(people.flatMap(({ faults }) => faults)).toEqual([]);
    } finally {
      await Promise.all(people.map(({ client }) => client.stop()));
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
  });

  it("are back at once when a way was closed for a while", async () => {
    const random = randomFrom(seed());
    const proxy = await CuttingProxy.start(oort.urls[0]!, random);
    proxy.isCutting = false;
    const [ann, bob] = [await Person.join(proxy.url, "ann"), await Person.join(oort.urls.at(-1)!, "bob")];
    try {
      const { id } = await ann.client.openDirect(bob.id);
      proxy.isClosed = true;
      proxy.cut();
      ann.client.conversation(id).send("from underground");
      bob.client.conversation(id).send("are you there?");
      await eventually("bob has said it", () => bob.told.get(id)?.length === 1);
      expect(ann.items(id)).toMatchObject([{ kind: "pending" }]);
      proxy.isClosed = false;
      await eventually("both have both", () => ann.texts(id).length === 2 && bob.texts(id).length === 2);
      expect(ann.texts(id)).toEqual(["are you there?", "from underground"]);
      await eventually("nothing is pending", () => ann.items(id).every(({ kind }) => kind === "message"));
      expect([...ann.faults, ...bob.faults]).toEqual([]);
    } finally {
      await Promise.all([ann, bob].map(({ client }) => client.stop()));
      await proxy.stop();
    }
  });

  it("are told only what changed meanwhile, where the server can", async () => {
    const proxy = await CuttingProxy.start(oort.urls[0]!, Math.random);
    proxy.isCutting = false;
    const [ann, bob] = [await Person.join(proxy.url, "ann"), await Person.join(oort.urls.at(-1)!, "bob")];
    const hellos = () => ann.frames.filter(({ type }) => type === "hello").map(({ payload }) => payload);
    const back = async () => {
      const count = hellos().length;
      proxy.isClosed = false;
      await eventually("ann is back", () => hellos().length > count);
      return hellos().at(-1)!;
    };
    const cut = async () => {
      proxy.isClosed = true;
      proxy.cut();
    };
    const known = () => ann.client.conversations.get().map(({ id }) => id);
    try {
      const { id } = await ann.client.openDirect(bob.id);
      const group = await bob.client.createGroup("short", [ann.id]);
      await eventually("ann is in", () => known().includes(group.id));
      await cut();
      bob.client.conversation(id).send("while you were away");
      await eventually("bob has said it", () => bob.told.get(id)?.length === 1);
      const newer = await bob.client.createGroup("newer", [ann.id]);
      await bob.client.removeMember(group.id, ann.id);
      const first = await back();
      await eventually("ann has it all", () => ann.texts(id).length === 1 && known().includes(newer.id));
      expect(known()).not.toContain(group.id);
      expect(ann.client.conversations.get().find((entry) => entry.id === id)).toMatchObject({ unread: 1 });
      if (hellos()[0]?.cursor === undefined) return;
      expect(first.partial).toBe(true);
      expect((first.rooms as { id: string }[]).map((room) => room.id)).toEqual(
        expect.arrayContaining([id, newer.id]),
      );
      // What has settled is not told again.
      await eventually("nothing is new", async () => {
        await cut();
        return ((await back()).rooms as unknown[]).length === 0;
      });
      expect(known()).toContain(newer.id);
      expect([...ann.faults, ...bob.faults]).toEqual([]);
    } finally {
      await Promise.all([ann, bob].map(({ client }) => client.stop()));
      await proxy.stop();
    }
  });
});
