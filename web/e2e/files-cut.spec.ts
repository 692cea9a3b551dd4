import { text } from "./people/media";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

/** Stored together. */
const PART_BYTES = 65_536;

test.use({ settings: { OORT_LOGIC__FILES__PART_BYTES: `${PART_BYTES}` } });

test("an upload shows how far it is, goes on after a lost connection, and can be stopped", async ({
  devices,
  signUp,
  system,
}) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const device = await devices.get(0);
  device.guard.allowNetworkErrors();
  const { chat } = await signUp("ann", device);
  await chat.writeTo(bob.username);
  const big = text("log.txt", 6 * PART_BYTES);
  const before = device.line.sentBytes;
  const cut = device.line.cutAfter(2.5 * PART_BYTES);
  await chat.at("attachInput").setInputFiles([big]);
  await cut;
  const progress = chat.page.getByRole("progressbar", { name: "Uploading log.txt" });
  await expect(progress).toHaveAttribute("aria-valuenow", "33");
  // Sent in advance: it goes as soon as it is there.
  await chat.at("composerText").fill("The log");
  await chat.at("composerText").press("Enter");
  await expect(chat.at("composer")).toContainText("Sent as soon as everything is uploaded");
  device.line.mend();
  await chat.hasStored("The log");
  const { messages } = await bob.call("GET", `/api/conversations/${chat.conversation()}/messages?limit=1`);
  const stored = await bob.call("GET", `/api/files/${messages[0].attachment.fileId}`);
  expect(stored).toMatchObject({ name: "log.txt", size: 6 * PART_BYTES, state: "ready" });
  // What was stored before the cut was not sent again: six parts, and the one that was cut.
  expect(device.line.sentBytes - before).toBeLessThan(7.5 * PART_BYTES);

  device.line.hold();
  await chat.at("attachInput").setInputFiles([text("other.txt", PART_BYTES)]);
  await expect(chat.at("pickedFile")).toHaveAttribute("data-state", "uploading");
  await chat.page.getByRole("button", { name: "Stop uploading other.txt" }).click();
  await expect(chat.at("pickedFile")).toHaveCount(0);
  await expect(chat.at("composerSend")).toBeDisabled();
});
