import { isIndexed } from "./people/indexed";
import { marked, noteMarks } from "./people/marks";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

/** More than a page of results. */
const MANY = 30;

test("words are found in all conversations, and lead to where they stand however far up", async ({
  devices,
  signUp,
  system,
}) => {
  const { chat, username } = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  const direct = await bob.direct(ann.id);
  const name = unique("Crew ");
  const group = await bob.group(name, [ann.id]);
  // No word of hexadecimal digits, in which random names end: the names would be found as well.
  await bob.send(direct, "The Bistró opens at nine");
  for (let n = 1; n <= 150; n++) await bob.send(direct, `line ${n}`);
  await ann.send(group, "在家见，the bistro is closed");
  await isIndexed(ann, "bistro", 2);

  await chat.page.keyboard.press("Control+K");
  await expect(chat.at("search")).toBeFocused();
  await chat.page.keyboard.type("bistro");
  await expect(chat.at("foundMessage")).toHaveCount(2);
  // Newest first: who said it, where, and the word marked.
  const [newest, oldest] = [chat.at("foundMessage").nth(0), chat.at("foundMessage").nth(1)];
  await expect(newest).toContainText(name);
  await expect(newest).toContainText("You: ");
  await expect(newest.locator("mark")).toHaveText("bistro");
  await expect(oldest).toContainText(bob.username);
  await expect(oldest.locator("mark")).toHaveText("Bistró");
  await expect(oldest.locator("time")).toBeVisible();

  // By the keys: through the results, and into one.
  for (let n = 0; n < 2; n++) await chat.page.keyboard.press("ArrowDown");
  await expect(oldest).toBeFocused();
  await noteMarks(chat.page);
  await chat.page.keyboard.press("Enter");
  const row = chat.at("message").filter({ has: chat.messages("The Bistró opens at nine") });
  await expect.poll(() => marked(chat.page)).toContain("1");
  await expect(row).toBeInViewport();
  expect(chat.conversation()).toBe(direct);
  await expect(chat.page).not.toHaveURL(/at=/);

  await chat.at("search").fill("家见");
  await expect(chat.at("foundMessage")).toHaveCount(1);
  await expect(chat.at("foundMessage").locator("mark")).toHaveText("家见");
  await chat.at("search").fill("nowhere-to-be-found");
  await expect(chat.page.getByText("Nothing found").last()).toBeVisible();
});

test("one conversation is searched, a page at a time", async ({ devices, signUp, system }) => {
  const { chat, username } = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const ann = await Bot.logIn(system.api(), username);
  const [direct, group] = [await bob.direct(ann.id), await bob.group(unique("Crew "), [ann.id])];
  for (let n = 1; n <= MANY; n++) await bob.send(direct, `high tide ${n}`);
  await ann.send(group, "another tide");
  await isIndexed(ann, "tide", MANY + 1);
  await chat.openEntry(bob.username);
  await chat.page.keyboard.press("Control+Shift+F");
  await expect(chat.at("searchHereField")).toBeFocused();
  await chat.at("searchHereField").fill("tide");
  await expect(chat.at("foundMessage")).toHaveCount(20);
  await chat.at("searchMore").click();
  await expect(chat.at("foundMessage")).toHaveCount(MANY);
  await expect(chat.at("searchMore")).toHaveCount(0);
  await noteMarks(chat.page);
  await chat.at("foundMessage").last().click();
  await expect(chat.at("dialog")).toHaveCount(0);
  await expect.poll(() => marked(chat.page)).toContain("1");

  await chat.at("searchHere").click();
  await chat.at("searchHereField").fill("nothing of this kind");
  await expect(chat.at("dialog")).toContainText("No messages found");
});

test("what is refused, slow, or no word at all is said", async ({ devices, signUp }) => {
  const device = await devices.get(0);
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let asked = 0;
  // Before there is a page: one that its service worker is just taking over may send past what is routed then.
  await device.context.route("**/api/search?*", async (route) => {
    asked += 1;
    if (asked > 1) return route.continue();
    await held;
    const body = JSON.stringify({ code: "overloaded", message: "too many search at this moment" });
    await route.fulfill({ status: 503, body, headers: { "retry-after": "3", "content-type": "application/json" } });
  });
  const { chat } = await signUp("ann", device);
  await chat.at("search").fill("?!");
  await expect(chat.page.getByText("Nothing found").last()).toBeVisible();
  await expect(chat.at("searching")).toHaveCount(0);

  await chat.at("search").fill("tide");
  await expect(chat.at("searching")).toContainText("Still searching");
  answer();
  await expect(chat.at("searchRefused")).toContainText("The server is busy. Try again in 3 s.");
  await chat.at("searchAgain").click();
  await expect(chat.page.getByText("Nothing found").last()).toBeVisible();
  await expect(chat.at("searchRefused")).toHaveCount(0);
});
