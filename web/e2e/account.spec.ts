import { expect, PASSWORD, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test("what one tells of oneself is kept, and others see it", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(ann.username, PASSWORD);
  await phone.page.goto("/settings/");
  // It shows what was so before, and hears what comes.
  await phone.isOnline();
  await expect(phone.at("nick")).toBeVisible();
  await ann.chat.page.goto("/settings/");
  await expect(ann.chat.at("saveProfile")).toHaveCount(0);
  await ann.chat.at("nick").fill("Annie");
  await ann.chat.at("sex").filter({ hasText: "Female" }).click();
  await ann.chat.at("description").fill("Likes long walks.");
  await ann.chat.at("saveProfile").click();
  await expect(ann.chat.at("saveProfile")).toHaveCount(0);
  // The other device has it at once.
  await expect(phone.at("nick")).toHaveValue("Annie");
  await ann.chat.page.reload();
  await expect(ann.chat.at("description")).toHaveValue("Likes long walks.");

  const bob = await signUp("bob", await devices.get(1));
  await bob.chat.writeTo(ann.username);
  await expect(bob.chat.at("person")).toContainText("Annie");
  await expect(bob.chat.at("person")).toContainText("Female");
  await expect(bob.chat.at("person")).toContainText("Likes long walks.");
});

test("a password is changed, and all other log-ins end", async ({ devices, signUp }) => {
  const desk = await devices.get(0);
  desk.guard.allowStatus(403);
  const ann = await signUp("ann", desk);
  const phone = await (await devices.get(1)).tab();
  await phone.logIn(ann.username, PASSWORD);
  await ann.chat.page.goto("/settings/");
  await ann.chat.at("changePassword").click();
  await ann.chat.at("oldPassword").fill("wrong");
  await ann.chat.at("newPassword").fill("battery staple");
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("dialogError")).toContainText("password is wrong");
  await ann.chat.at("oldPassword").fill(PASSWORD);
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("passwordChanged")).toContainText("was changed");
  await expect(phone.at("logInForm")).toBeVisible();
  await ann.chat.open();
  await phone.logIn(ann.username, "battery staple");
});

test("all other devices are logged out in one step", async ({ devices, signUp }) => {
  const ann = await signUp("ann", await devices.get(0));
  const others = [await (await devices.get(1)).tab(), await (await devices.get(0)).tab()];
  for (const chat of others) await chat.logIn(ann.username, PASSWORD);
  await ann.chat.page.goto("/settings/");
  await expect(ann.chat.at("session")).toHaveCount(3);
  await expect(ann.chat.at("session").first()).toContainText("Browser");
  await ann.chat.at("endOtherSessions").click();
  await expect(ann.chat.at("session")).toHaveCount(1);
  await expect(ann.chat.at("endOtherSessions")).toHaveCount(0);
  for (const chat of others) await expect(chat.at("logInForm")).toBeVisible();
});

test("all one's data is one file", async ({ devices, signUp, system }) => {
  const ann = await signUp("ann", await devices.get(0));
  const bob = await Bot.signUp(system.api(), unique("bob"));
  await ann.chat.writeTo(bob.username);
  await ann.chat.write("Mine to keep");
  await ann.chat.hasStored("Mine to keep");
  await ann.chat.page.goto("/settings/");
  const download = ann.chat.page.waitForEvent("download");
  await ann.chat.at("exportData").click();
  const stream = await (await download).createReadStream();
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const data = JSON.parse(Buffer.concat(parts).toString("utf8"));
  expect(JSON.stringify(data)).toContain("Mine to keep");
  expect(JSON.stringify(data)).toContain(ann.username);
});

test("an account sleeps until its owner comes back, and is deleted for ever", async ({ devices, signUp, system }) => {
  const desk = await devices.get(0);
  desk.guard.allowStatus(403);
  const ann = await signUp("ann", desk);
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const found = async () => (await bob.call("GET", `/api/users?prefix=${ann.username}`)).users.length;
  await ann.chat.page.goto("/settings/");
  await ann.chat.at("deactivate").click();
  await ann.chat.at("confirmPassword").fill("wrong");
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("dialogError")).toContainText("password is wrong");
  await ann.chat.at("confirmPassword").fill(PASSWORD);
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("logInForm")).toBeVisible();
  // It was asked for: nothing is to be explained.
  await expect(ann.chat.at("logInEnded")).toHaveCount(0);
  await expect.poll(found).toBe(0);
  await ann.chat.logIn(ann.username, PASSWORD);
  await expect.poll(found).toBe(1);

  await ann.chat.page.goto("/settings/");
  await ann.chat.at("deleteAccount").click();
  await ann.chat.at("confirmPassword").fill(PASSWORD);
  await ann.chat.at("dialogSubmit").click();
  await expect(ann.chat.at("logInForm")).toBeVisible();
  await ann.chat.at("logInLogin").fill(ann.username);
  await ann.chat.at("logInPassword").fill(PASSWORD);
  await ann.chat.at("logInSubmit").click();
  await expect(ann.chat.at("formError")).toBeVisible();
  await expect.poll(found).toBe(0);
});
