import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { adminTestids } from "../app/admin/testids";
import { testids } from "../lib/testids";
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
  const crew = await carol.group("Crew of the Sea Lark", [ann.id, bob.id]);
  await carol.send(crew, "Who has the keys to the shed?");
  const room = await bob.room("harbour");
  await bob.send(room, "Fog until nine, says the radio.");
  const direct = await bob.direct(ann.id);
  for (const line of TALK) await (line.startsWith(">") ? ann : bob).send(direct, line.slice(2));
  await open(direct);
  await chat.shows("Then half past five it is.");
  await expect(page.locator(`[data-conversation="${direct}"]`).getByTestId(testids.conversationUnread)).toHaveCount(0);
  await shoot("chat");

  if (isPhone) {
    await chat.at("back").click();
    await expect(chat.at("sidebar")).toBeVisible();
    await shoot("list");
  }
  await open(crew);
  if (!(await chat.at("details").isVisible())) await chat.at("detailsToggle").click();
  await expect(chat.at("member")).toHaveCount(3);
  await shoot("details");
  await page.goto("/chat/");
  await chat.at("newMenu").click();
  await chat.at("newGroup").click();
  await chat.at("userSearch").fill("bob");
  await expect(chat.at("userResult").first()).toBeVisible();
  await shoot("new-group");
  await page.goto("/settings/");
  await expect(chat.at("session").first()).toBeVisible();
  await shoot("settings");

  await system.command(["admin", "create", "ann"]);
  await page.goto("/admin/");
  await expect(page.getByTestId(adminTestids.node)).toHaveCount(1);
  // A line needs two looks.
  await expect(page.locator('path[d*="L"]').first()).toBeAttached();
  await shoot("operations");
});
