import { expect, PASSWORD, test, unique } from "./people/test";

/** Texts that go wrong where bytes, characters and markup are mixed up. */
const TEXTS = [
  "Hello",
  "你好，今天喝茶吗？",
  "🎉👩‍👩‍👧‍👦🇨🇳 e\u0301",
  `<img src=x onerror="document.title='broken in'">`,
  "</script><script>alert(1)</script>",
  "&amp; &lt;b&gt; %3Cb%3E",
];

test("two people sign up, find each other and talk both ways, whatever they write", async ({ devices }) => {
  const [ann, bob] = await Promise.all(
    ["ann", "bob"].map(async (prefix, comet) => {
      const [chat, username] = [await (await devices.get(comet)).tab(), unique(prefix)];
      await chat.signUp(username, PASSWORD);
      return { chat, username };
    }),
  );
  if (!ann || !bob) throw new Error("there are two");

  await ann.chat.writeTo(bob.username);
  await ann.chat.write("Are you there?");
  await ann.chat.hasStored("Are you there?");
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("Are you there?");

  for (const [index, text] of TEXTS.entries()) {
    const [from, to] = index % 2 === 0 ? [bob, ann] : [ann, bob];
    await from.chat.write(text);
    await from.chat.hasStored(text);
    await to.chat.shows(text);
  }
  const expected = ["Are you there?", ...TEXTS].map((text, index): [number, string] => [index + 1, text]);
  for (const { chat } of [ann, bob]) {
    expect(await chat.wholeTimeline()).toEqual(expected);
    expect(await chat.at("timeline").locator("img[onerror]").count()).toBe(0);
    expect(await chat.page.title()).not.toBe("broken in");
  }
});

test("what was said is there again after the page is loaded anew", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  for (const text of ["one", "two", "three"]) await ann.chat.write(text);
  await ann.chat.hasStored("three");
  await ann.chat.page.reload();
  await ann.chat.isOnline();
  // What was not yet put out of the way before is sent once more, and stands where it stood.
  for (const text of ["one", "two", "three"]) await ann.chat.hasStored(text);
  expect((await ann.chat.wholeTimeline()).map(([, text]) => text)).toEqual(["one", "two", "three"]);
});

test("a read message is told to the one who wrote it", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("Read this");
  await ann.chat.hasStored("Read this");
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("Read this");
  await expect(ann.chat.at("message").filter({ has: ann.chat.messages("Read this") })).toHaveAttribute(
    "data-state",
    "read",
  );
});

test("whoever writes is seen writing", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("Hello");
  await ann.chat.hasStored("Hello");
  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("Hello");
  const field = bob.chat.at("composerText");
  // It is told now and then, and shown for a while only: he writes on until it is seen.
  const typing = async () => {
    await field.press(".");
    return ann.chat.at("typingLine").textContent();
  };
  await expect.poll(typing).toContain(bob.username);
  const text = await field.inputValue();
  await field.press("Enter");
  await ann.chat.shows(text);
});
