import { kept } from "./people/kept";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test("what is written offline, in a tab that is then closed, is sent once", async ({ signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { device, chat } = await signUp("ann");
  device.guard.allowNetworkErrors();
  await chat.writeTo(bob.username);
  await chat.write("online");
  await chat.hasStored("online");
  const conversation = chat.conversation();

  device.line.cut();
  await chat.isOffline();
  for (const text of ["offline 1", "离线 2", "offline 3"]) {
    await chat.write(text);
    await expect(chat.at("message").filter({ has: chat.messages(text) })).toHaveAttribute(
      "data-state",
      /queued|sending/,
    );
  }
  // What is not yet written to the disk goes with its tab.
  await expect.poll(async () => (await kept(chat.page)).outbox?.length).toBe(3);
  await chat.page.close();
  expect(await bob.history(conversation)).toEqual(["online"]);

  device.line.mend();
  const again = await device.tab();
  await again.open(conversation);
  const all = ["online", "offline 1", "离线 2", "offline 3"];
  for (const text of all) await again.hasStored(text);
  expect(await bob.history(conversation)).toEqual(all);
  expect((await again.wholeTimeline()).map(([, text]) => text)).toEqual(all);
});

test("a line that breaks again and again loses nothing and doubles nothing", async ({ signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { device, chat } = await signUp("ann");
  device.guard.allowNetworkErrors();
  await chat.writeTo(bob.username);
  await chat.write("begin");
  await chat.hasStored("begin");
  const conversation = chat.conversation();
  for (let round = 1; round <= 3; round++) {
    await chat.write(`before ${round}`);
    device.line.cut();
    await bob.send(conversation, `missed ${round}`);
    await chat.write(`during ${round}`);
    device.line.mend();
    await chat.hasStored(`during ${round}`);
    await chat.shows(`missed ${round}`);
  }
  const history = await bob.history(conversation);
  expect([...history].sort()).toEqual(
    ["begin", ...[1, 2, 3].flatMap((round) => [`before ${round}`, `during ${round}`, `missed ${round}`])].sort(),
  );
  expect((await chat.wholeTimeline()).map(([, text]) => text)).toEqual(history);
});

test("a comet killed in the middle of a talk: nothing is missing, nothing is there twice", async ({
  devices,
  signUp,
  system,
}) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const device = await devices.roaming();
  device.guard.allowNetworkErrors();
  const { chat } = await signUp("ann", device);
  await chat.writeTo(bob.username);
  await chat.write("begin");
  await chat.hasStored("begin");
  const conversation = chat.conversation();

  // Bob talks all the while; ann writes before, while and after her comet is gone.
  const talk = (async () => {
    for (let n = 1; n <= 40; n++) await bob.sendSurely(conversation, `bob ${n}`);
  })();
  await chat.write("ann before");
  await chat.shows("bob 5");
  const victim = system.comet(0);
  await victim.kill();
  await chat.write("ann during");
  if (system.shape === "standalone") await victim.startAgain();
  await chat.isOnline();
  await chat.write("ann after");
  await talk;
  // They are sent in their order; those before it may be out of sight.
  await chat.hasStored("ann after");
  await chat.shows("bob 40");
  if (!victim.isRunning) await victim.startAgain();

  const history = await bob.history(conversation);
  const expected = ["begin", "ann before", "ann during", "ann after"];
  for (let n = 1; n <= 40; n++) expected.push(`bob ${n}`);
  expect([...history].sort()).toEqual(expected.sort());
  const timeline = await chat.wholeTimeline();
  expect(timeline.map(([seq]) => seq)).toEqual(history.map((_, index) => index + 1));
  expect(timeline.map(([, text]) => text)).toEqual(history);
});

test("a server that stops in order is followed to where it starts again", async ({ devices, signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const device = await devices.get(0);
  device.guard.allowNetworkErrors();
  const { chat } = await signUp("ann", device);
  await chat.writeTo(bob.username);
  await chat.write("begin");
  await chat.hasStored("begin");
  await system.comet(0).stop();
  await chat.isOffline();
  await chat.write("while it is away");
  await system.comet(0).startAgain();
  await chat.isOnline();
  await chat.hasStored("while it is away");
  expect(await bob.history(chat.conversation())).toEqual(["begin", "while it is away"]);
});
