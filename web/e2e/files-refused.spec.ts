import { text } from "./people/media";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test.use({ settings: { OORT_LOGIC__FILES__BYTES_MAX: "5000", OORT_LOGIC__FILES__USER_BYTES_MAX: "9000" } });

test("on a server with little room it is said plainly why a file is refused, and the rest is sent", async ({
  devices,
  signUp,
  system,
}) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const device = await devices.get(0);
  device.guard.allowStatus(413);
  device.guard.allowStatus(409);
  const { chat } = await signUp("ann", device);
  await chat.writeTo(bob.username);
  const item = (name: string) => chat.at("pickedFile").filter({ hasText: name });
  await chat
    .at("attachInput")
    .setInputFiles([text("large.txt", 6000), text("first.txt", 4000), text("second.txt", 4900)]);
  await expect(item("large.txt")).toContainText("This file is too large");
  await expect(item("first.txt")).toHaveAttribute("data-state", "ready");
  await expect(item("second.txt")).toHaveAttribute("data-state", "ready");
  await chat.at("attachInput").setInputFiles([text("third.txt", 4000)]);
  await expect(item("third.txt")).toContainText("no room left");
  await expect(chat.at("composerSend")).toBeDisabled();
  await item("large.txt").getByTestId("discard-file").click();
  await item("second.txt").getByTestId("discard-file").click();
  // There is room now.
  await expect
    .poll(async () => {
      if ((await item("third.txt").getAttribute("data-state")) === "failed")
        await item("third.txt").getByTestId("retry-file").click();
      return item("third.txt").getAttribute("data-state");
    })
    .toBe("ready");
  await chat.at("composerSend").click();
  await expect(chat.at("attachment")).toHaveCount(2);
});
