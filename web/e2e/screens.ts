import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { adminTestids } from "../app/admin/testids";
import { PASSWORD, test } from "./people/test";
import { Bot } from "./servers/bot";

const FOLDER = fileURLToPath(new URL("../../docs/screens", import.meta.url));
const WIDTHS = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

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

for (const theme of ["light", "dark"] as const) {
  for (const [width, viewport] of Object.entries(WIDTHS)) {
    test(`${width}, ${theme}`, async ({ devices, system }) => {
      mkdirSync(FOLDER, { recursive: true });
      const device = await devices.get(0, {
        colorScheme: theme,
        viewport,
        deviceScaleFactor: 2,
        reducedMotion: "reduce",
      });
      const chat = await device.tab();
      const { page } = chat;
      const shoot = (screen: string) => page.screenshot({ path: `${FOLDER}/${screen}-${width}-${theme}.png` });
      // Names are those of a real conversation, so each picture has its own two people on a server shared by all.
      const suffix = { light: { desk: "", phone: "a" }, dark: { desk: "b", phone: "c" } }[theme][
        width as keyof typeof WIDTHS
      ];
      const [annName, bobName, carolName] = ["ann", "bob", "carol"].map((name) => name + suffix) as [
        string,
        string,
        string,
      ];

      await page.goto("/login/");
      await expect(chat.at("logInForm")).toBeVisible();
      await shoot("log-in");
      await page.goto("/signup/");
      await expect(chat.at("signUpForm")).toBeVisible();
      await shoot("sign-up");

      await chat.signUp(annName, PASSWORD);
      const ann = await Bot.logIn(system.api(), annName);
      const bob = await Bot.signUp(system.api(), bobName);
      const carol = await Bot.signUp(system.api(), carolName);
      const crew = await carol.group("Crew of the Sea Lark", [ann.id, bob.id]);
      await carol.send(crew, "Who has the keys to the shed?");
      const room = await bob.room(`harbour${suffix}`);
      await bob.send(room, "Fog until nine, says the radio.");
      const direct = await bob.direct(ann.id);
      for (const line of TALK) await (line.startsWith(">") ? ann : bob).send(direct, line.slice(2));
      await chat.openEntry(bobName);
      await chat.shows("Then half past five it is.");
      await shoot("chat");

      if (width === "phone") {
        await chat.at("back").click();
        await expect(chat.at("sidebar")).toBeVisible();
        await shoot("list");
      }
      await chat.openEntry("Crew of the Sea Lark");
      await chat.at("detailsToggle").click();
      await expect(chat.at("member")).toHaveCount(3);
      await shoot("details");
      await page.goto("/chat/");
      await chat.at("newMenu").click();
      await chat.at("newGroup").click();
      await chat.at("userSearch").fill(bobName);
      await expect(chat.at("userResult").first()).toBeVisible();
      await shoot("new-group");
      await page.goto("/settings/");
      await expect(chat.at("session").first()).toBeVisible();
      await shoot("settings");

      await system.command(["admin", "create", annName, "--password-stdin"], PASSWORD);
      await page.goto("/admin/");
      await expect(page.getByTestId(adminTestids.node)).toHaveCount(1);
      await shoot("operations");
    });
  }
}
