import { askReaders } from "./people/readers";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test.use({ settings: { OORT_LOGIC__RECEIPTS__LISTED_MEMBERS_MAX: "2", OORT_LOGIC__RECEIPTS__COUNT_KEPT_MS: "1" } });

test("in a large group it is told how many have read, and not who", async ({ devices, signUp, system }) => {
  const { chat, username } = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const carol = await Bot.signUp(system.api(), unique("carol"));
  const ann = await Bot.logIn(system.api(), username);
  const name = unique("Crew ");
  const group = await ann.group(name, [bob.id, carol.id]);
  await chat.openEntry(name);
  await chat.write("At five?");
  await chat.hasStored("At five?");
  await bob.call("PUT", `/api/conversations/${group}/cursor`, { readSeq: 1 });
  await bob.call("PUT", `/api/conversations/${group}/cursor`, { readSeq: 2 });
  await askReaders(chat, "At five?");
  await expect(chat.at("readerCount")).toHaveAttribute("data-count", "1");
  await expect(chat.at("reader")).toHaveCount(0);
  await expect(chat.at("dialog")).toContainText("too large for a list");
});
