import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import type { Chat } from "./people/chat";
import { kept } from "./people/kept";
import { type Chosen, picture, text, tone } from "./people/media";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

async function choose(chat: Chat, ...files: Chosen[]): Promise<void> {
  await chat.at("attachInput").setInputFiles(files);
}

/** Gives files to an element as a paste or a drop does. */
async function give(page: Page, target: Locator, event: "paste" | "drop", files: Chosen[]): Promise<void> {
  const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, bytes: buffer.toString("base64") }));
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, mimeType, bytes } of list) {
      const raw = Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0));
      data.items.add(new File([raw], name, { type: mimeType }));
    }
    return data;
  }, given);
  if (event === "drop") {
    for (const type of ["dragenter", "dragover"]) await target.dispatchEvent(type, { dataTransfer: transfer });
    await expect(page.getByText("Drop files here")).toBeVisible();
    await target.dispatchEvent("drop", { dataTransfer: transfer });
    await expect(page.getByText("Drop files here")).toHaveCount(0);
  } else {
    await target.evaluate((element, clipboardData) => {
      element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, transfer);
  }
}

test("pictures and files by button, paste and drop are shown before they are sent, and come as what they are", async ({
  devices,
  signUp,
}) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await signUp("bob", await devices.get(1));
  const { chat } = ann;
  await chat.writeTo(bob.username);
  await choose(chat, picture("boat.png", 900, 600));
  await give(chat.page, chat.at("composerText"), "paste", [picture("pier.png", 300, 800)]);
  await give(chat.page, chat.at("dropZone"), "drop", [text("tides.txt", 2000)]);
  await expect(chat.at("pickedFile")).toHaveCount(3);
  await expect(chat.at("pickedFile").nth(0).locator("img")).toBeVisible();
  for (const item of await chat.at("pickedFile").all()) await expect(item).toHaveAttribute("data-state", "ready");
  await chat.write("From yesterday");
  await expect(chat.at("pickedFile")).toHaveCount(0);
  await chat.hasStored("From yesterday");

  await bob.chat.openEntry(ann.username);
  await bob.chat.shows("From yesterday");
  for (const side of [chat, bob.chat]) {
    const kinds = () => side.at("attachment").evaluateAll((all) => all.map((one) => one.getAttribute("data-kind")));
    await expect.poll(kinds).toEqual(["image", "image", "file"]);
    // The text stands with the last.
    await expect(side.at("message").last()).toContainText("tides.txt");
    await expect(side.at("message").last()).toContainText("From yesterday");
    const image = side.at("picture").first().locator("img");
    await expect.poll(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(320);
    await expect(image).toHaveAttribute("src", /\/thumbnail$/);
  }

  // As large as it is, with the keys alone; Escape gives back the focus.
  const first = bob.chat.at("picture").first();
  await first.focus();
  await bob.chat.page.keyboard.press("Enter");
  await expect(bob.chat.at("viewerPicture")).toHaveAttribute("data-state", "there");
  expect(await bob.chat.at("viewerPicture").evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(900);
  await bob.chat.page.keyboard.press("Escape");
  await expect(bob.chat.at("dialog")).toHaveCount(0);
  await expect(first).toBeFocused();

  const download = bob.chat.page.waitForEvent("download");
  await bob.chat.at("message").last().getByTestId("download").click();
  expect((await download).suggestedFilename()).toBe("tides.txt");
  expect(readFileSync(await (await download).path()).length).toBe(2000);
});

test("nothing moves when a picture comes", async ({ devices, signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { chat } = await signUp("ann", await devices.get(0));
  await chat.writeTo(bob.username);
  await choose(chat, picture("boat.png", 900, 600));
  await chat.write("Look");
  await chat.hasStored("Look");
  // What still waits would be drawn beside it for a moment.
  await expect.poll(async () => (await kept(chat.page)).outbox?.length).toBe(0);
  // Held back until the room that it has was measured.
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await chat.page.route("**/thumbnail", async (route) => {
    await held;
    await route.continue();
  });
  await chat.page.reload();
  await expect(chat.at("picture")).toBeVisible();
  const image = chat.at("picture").locator("img");
  const height = () => chat.at("message").evaluate((row) => row.getBoundingClientRect().height);
  const before = await height();
  expect(await image.evaluate((one: HTMLImageElement) => one.complete)).toBe(false);
  letGo();
  await expect.poll(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(320);
  expect(await height()).toBe(before);
  await chat.page.unrouteAll({ behavior: "wait" });
});

test("sound and films are played piece by piece", async ({ devices, signUp, system }) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { chat } = await signUp("ann", await devices.get(0));
  await chat.writeTo(bob.username);
  await choose(chat, tone("horn.wav", 3), {
    name: "waves.webm",
    mimeType: "video/webm",
    buffer: await film(chat.page),
  });
  await chat.write("Listen");
  await chat.hasStored("Listen");
  await expect(chat.at("attachment").nth(0)).toHaveAttribute("data-kind", "voice");
  await expect(chat.at("attachment").nth(0)).toContainText("0:03");
  await expect(chat.at("attachment").nth(1)).toHaveAttribute("data-kind", "video");
  const parts: string[] = [];
  chat.page.on("response", (response) => {
    if (response.url().endsWith("/content")) parts.push(`${response.status()} ${response.request().headers().range}`);
  });
  const play = (player: Locator) => player.evaluate((one: HTMLMediaElement) => one.play());
  const position = (player: Locator) => player.evaluate((one: HTMLMediaElement) => one.currentTime);
  const horn = chat.at("attachment").nth(0).getByTestId("player");
  await play(horn);
  await expect.poll(() => position(horn)).toBeGreaterThan(0);
  await expect.poll(() => parts[0] ?? "").toMatch(/^206 bytes=0-/);
  await chat.at("play").click();
  const waves = chat.at("attachment").nth(1).getByTestId("player");
  await expect.poll(() => position(waves)).toBeGreaterThan(0);
  expect(parts.filter((part) => !part.startsWith("206 "))).toEqual([]);
});

test("there is an end to how many, and who looks at another conversation meanwhile finds them again", async ({
  devices,
  signUp,
  system,
}) => {
  const [bob, carol] = [await Bot.signUp(system.api(), unique("bob")), await Bot.signUp(system.api(), unique("carol"))];
  const { chat } = await signUp("ann", await devices.get(0));
  await chat.writeTo(bob.username);
  await choose(chat, ...Array.from({ length: 12 }, (_, n) => text(`${n}.txt`, 10)));
  await expect(chat.at("pickedFile")).toHaveCount(10);
  await expect(chat.at("composerError")).toContainText("At most 10 files");
  await chat.writeTo(carol.username);
  await expect(chat.at("pickedFile")).toHaveCount(0);
  await chat.openEntry(bob.username);
  await expect(chat.at("pickedFile")).toHaveCount(10);
  for (let left = 9; left >= 0; left--) {
    await chat.at("discardFile").first().click();
    await expect(chat.at("pickedFile")).toHaveCount(left);
  }
});

/** A film of a second, made by the browser itself. */
async function film(page: Page): Promise<Buffer> {
  const bytes = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 320;
    canvas.height = 180;
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const ended = new Promise((resolve) => {
      recorder.onstop = resolve;
    });
    recorder.start();
    await new Promise<void>((resolve) => {
      let frames = 0;
      const draw = () => {
        if (!context || frames++ > 40) return resolve();
        context.fillStyle = `hsl(${frames * 8} 60% 50%)`;
        context.fillRect(0, 0, 320, 180);
        requestAnimationFrame(draw);
      };
      draw();
    });
    recorder.stop();
    await ended;
    return Array.from(new Uint8Array(await new Blob(parts).arrayBuffer()));
  });
  return Buffer.from(bytes);
}
