import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { adminTestids } from "../app/admin/testids";
import { testids } from "../lib/testids";
import { picture, text, tone } from "./people/media";
import { PASSWORD, test } from "./people/test";
import { Bot } from "./servers/bot";

const FOLDER = fileURLToPath(new URL("../../docs/screens", import.meta.url));

/** What ann (`>`) and bob said; long enough to fill a screen, in the scripts and with the marks that people use. */
const TALK = [
  "< Did the boat come in?",
  "> An hour ago. The nets are drying already.",
  "< 太好了！明天还去吗？",
  "> 去，天气不错。Six o'clock at the pier?",
  "< 👍 I'll bring tea 🍵",
  "> Good. And the long rope, if you still have it.",
  "< I do. https://example.org/tides says high water at 6:40",
  "> Then half past five it is.",
];

test("every screen", async ({ devices, system, viewport, colorScheme }, { project }) => {
  mkdirSync(FOLDER, { recursive: true });
  const options = { colorScheme, viewport, deviceScaleFactor: 2, reducedMotion: "reduce" } as const;
  const chat = await (await devices.get(0, options)).tab();
  const { page } = chat;
  const isPhone = (viewport?.width ?? 0) < 600;
  const shoot = (screen: string) => page.screenshot({ path: `${FOLDER}/${screen}-${project.name}.png` });
  const open = async (conversation: string) => {
    await page.locator(`[data-testid="${testids.conversationItem}"][data-conversation="${conversation}"]`).click();
    await expect(chat.at("composer")).toBeVisible();
  };
  const isRead = (conversation: string) =>
    expect(page.locator(`[data-conversation="${conversation}"]`).getByTestId(testids.conversationUnread)).toHaveCount(
      0,
    );

  await page.goto("/login/");
  await expect(chat.at("logInForm")).toBeVisible();
  await shoot("log-in");
  await page.goto("/signup/");
  await expect(chat.at("signUpForm")).toBeVisible();
  await shoot("sign-up");

  await chat.signUp("ann", PASSWORD);
  const ann = await Bot.logIn(system.api(), "ann");
  const bob = await Bot.signUp(system.api(), "bob");
  const carol = await Bot.signUp(system.api(), "carol");
  await carol.call("PATCH", "/api/me", { nick: "Carol of the Pier" });
  const crew = await carol.group("Crew of the Sea Lark", [ann.id, bob.id]);
  await carol.send(crew, "Who has the keys to the shed?");
  const room = await bob.room("harbour");
  await bob.send(room, "Fog until nine, says the radio.");
  const direct = await bob.direct(ann.id);
  for (const line of TALK) await (line.startsWith(">") ? ann : bob).send(direct, line.slice(2));
  await open(direct);
  await chat.shows("Then half past five it is.");
  await isRead(direct);
  await shoot("chat");

  await ann.call("PUT", `/api/conversations/${direct}/messages/8/reactions/${encodeURIComponent("👍")}`);
  await bob.call("PUT", `/api/conversations/${direct}/messages/8/reactions/${encodeURIComponent("👍")}`);
  await bob.call("PATCH", `/api/conversations/${direct}/messages/7`, { content: "I do. High water is at 6:40" });
  await expect(chat.at("messageEdited")).toBeVisible();
  await chat.at("message").nth(6).hover();
  await chat.at("messageActions").nth(6).click();
  await expect(chat.at("messageAction").first()).toBeVisible();
  await shoot("message-actions");
  await page.keyboard.press("Escape");

  await chat.at("attachInput").setInputFiles([picture("sea-lark.png", 1200, 800), text("tides.txt", 48_000)]);
  await expect(chat.at("pickedFile")).toHaveCount(2);
  for (const item of await chat.at("pickedFile").all()) await expect(item).toHaveAttribute("data-state", "ready");
  await chat.at("attachInput").setInputFiles([tone("horn.wav", 4)]);
  await expect(chat.at("pickedFile").last()).toHaveAttribute("data-state", "ready");
  await chat.at("composerText").fill("How she looked this morning");
  await shoot("files-chosen");
  await chat.at("composerSend").click();
  await chat.hasStored("How she looked this morning");
  await expect(chat.at("picture").locator("img")).toHaveJSProperty("complete", true);
  await shoot("files");
  await chat.at("picture").click();
  await expect(chat.at("viewerPicture")).toHaveAttribute("data-state", "there");
  await shoot("picture");
  await page.keyboard.press("Escape");
  await chat.at("searchHere").click();
  await chat.at("searchHereField").fill("tea");
  await expect(chat.at("foundMessage")).toHaveCount(1);
  await shoot("search-here");
  await page.keyboard.press("Escape");

  if (isPhone) {
    await chat.at("back").click();
    await expect(chat.at("sidebar")).toBeVisible();
    await shoot("list");
  }
  await chat.at("search").fill("the");
  await expect(chat.at("foundMessage").nth(1)).toBeVisible();
  await shoot("search");
  await chat.at("search").fill("");
  await open(crew);
  if (!(await chat.at("details").isVisible())) await chat.at("detailsToggle").click();
  await expect(chat.at("member")).toHaveCount(3);
  await isRead(crew);
  await shoot("details");
  if (isPhone) await page.goBack();
  await chat.write("I have them. Come by at five.");
  await chat.hasStored("I have them. Come by at five.");
  const readSeq = Number(await chat.at("message").last().getAttribute("data-seq"));
  for (const one of [bob, carol]) await one.call("PUT", `/api/conversations/${crew}/cursor`, { readSeq });
  await chat.at("messageActions").last().click();
  await page.locator('[data-action="readers"]').click();
  await expect(chat.at("reader")).toHaveCount(2);
  await shoot("receipts");
  await page.keyboard.press("Escape");
  await page.goto("/chat/");
  await chat.at("newMenu").click();
  await chat.at("newGroup").click();
  await chat.at("userSearch").fill("bob");
  await expect(chat.at("userResult").first()).toBeVisible();
  await shoot("new-group");
  const dave = await Bot.signUp(system.api(), "dave");
  await bob.call("POST", "/api/contacts/requests", { userId: ann.id, message: "For the sailing days" });
  await carol.call("POST", "/api/contacts/requests", { userId: ann.id, message: "" });
  await ann.call("POST", `/api/contacts/requests/${carol.id}/accept`);
  await ann.call("POST", "/api/contacts/requests", { userId: dave.id, message: "" });
  await page.goto("/chat/");
  await chat.at("tabContacts").click();
  await expect(chat.at("request")).toBeVisible();
  await expect(chat.at("sentRequest")).toBeVisible();
  await shoot("contacts");
  await page.goto("/settings/");
  await expect(chat.at("session").first()).toBeVisible();
  await shoot("settings");

  await system.command(["admin", "create", "ann"]);
  await page.goto("/admin/");
  await expect(page.getByTestId(adminTestids.node)).toHaveCount(1);
  // Something to draw: a talk that swells and ebbs until lines have some length.
  let isTalking = true;
  const talk = (async () => {
    for (let n = 0; isTalking; n++) {
      const batch = 2 + Math.round(20 * (1 + Math.sin(n / 9)));
      await Promise.all(Array.from({ length: batch }, () => carol.send(crew, "Ahoy")));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const points = async () => (await page.locator("figure path").first().getAttribute("d"))?.split("L").length ?? 0;
  await expect.poll(points).toBeGreaterThan(8);
  isTalking = false;
  await talk;
  await shoot("operations");
});
