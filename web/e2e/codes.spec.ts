import { expect, test, unique } from "./people/test";
import type { System } from "./servers/system";

test.use({ settings: { OORT_LOGIC__ACCOUNTS__SIGN_UP: "code", OORT_LOGIC__MAIL__MODE: "print" } });

/** A code that was mailed to an address and is not known yet: what several processes said has no common order. */
async function codeFor(system: System, email: string, known: readonly string[] = []): Promise<string> {
  let code: string | undefined;
  await expect
    .poll(() => {
      const mails = system.said().split(/(?=\n[^\n]*to=)/);
      const mine = mails.filter((mail) => mail.includes(email) && mail.includes("Your code:"));
      const codes = mine.flatMap((mail) => mail.match(/Your code:\D*(\d{6})/)?.[1] ?? []);
      code = codes.findLast((each) => !known.includes(each));
      return code;
    }, `a code mailed to ${email}`)
    .toBeDefined();
  return code ?? "";
}

test("who signs up proves their address, and comes in again with it when the password is lost", async ({
  devices,
  system,
}) => {
  const device = await devices.get(0);
  for (const status of [400, 403]) device.guard.allowStatus(status);
  const chat = await device.tab();
  const username = unique("ann");
  const email = `${username}@example.org`;
  await chat.page.goto("/signup/");
  await chat.at("signUpUsername").fill(username);
  await chat.at("signUpPassword").fill("correct horse");
  await chat.at("signUpSubmit").click();
  await expect(chat.at("formError")).toContainText("e-mail address is needed");
  await chat.at("signUpEmail").fill(email);
  await chat.at("signUpSubmit").click();
  await expect(chat.at("code")).toBeFocused();
  const code = await codeFor(system, email);
  await chat.at("code").fill(code === "000000" ? "000001" : "000000");
  await chat.at("signUpSubmit").click();
  await expect(chat.at("formError")).toContainText("code is wrong");
  await chat.at("code").fill(code);
  await chat.at("signUpSubmit").click();
  await chat.isOnline();
  await chat.page.goto("/settings/");
  await expect(chat.at("profileEmail")).toHaveText(email);

  // On another device, with the password forgotten.
  const other = await (await devices.get(1)).tab();
  await other.page.goto("/login/");
  await other.page.getByRole("link", { name: "Forgot your password?" }).click();
  await other.at("resetEmail").fill(email);
  await other.at("resetSubmit").click();
  await expect(other.at("code")).toBeFocused();
  await other.at("code").fill(await codeFor(system, email, [code]));
  await other.at("resetPassword").fill("battery staple");
  await other.at("resetSubmit").click();
  await other.isOnline();
  await expect(other.at("myName")).toHaveText(username);
  // Whoever was logged in with the old one is not any more.
  await expect(chat.at("logInForm")).toBeVisible();
  await chat.logIn(username, "battery staple");
});
