import { wholeBrowser } from "./browser";
import { expect, test, unique } from "./people/test";
import { Bot } from "./servers/bot";

test.use({ launchOptions: wholeBrowser });

test("the service worker shows what is pushed, the newest of each conversation, and a click puts it away", async ({
  devices,
  signUp,
  system,
}) => {
  const bob = await Bot.signUp(system.api(), unique("bob"));
  const { chat, device } = await signUp("ann", await devices.get(0));
  await device.context.grantPermissions(["notifications"]);
  await chat.writeTo(bob.username);
  await chat.write("Hello");
  await chat.hasStored("Hello");
  const conversation = chat.conversation();
  await chat.page.goto("/settings/");
  await chat.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));

  const worker = device.context.serviceWorkers()[0] ?? (await device.context.waitForEvent("serviceworker"));
  const session = await device.context.newCDPSession(chat.page);
  const registered = new Promise<{ registrationId: string; scopeURL: string }>((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [found] = registrations;
      if (found) resolve(found);
    });
  });
  await session.send("ServiceWorker.enable");
  const { registrationId, scopeURL } = await registered;
  const deliver = (data: string) =>
    session.send("ServiceWorker.deliverPushMessage", { origin: new URL(scopeURL).origin, registrationId, data });
  const shown = () =>
    chat.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag }));
    });

  const notice = { conversationId: conversation, conversationKind: "direct", title: bob.username, kind: "text" };
  await deliver(JSON.stringify({ ...notice, text: "Are you there?" }));
  const tag = `oort-${conversation}`;
  await expect.poll(shown).toEqual([{ title: bob.username, body: "Are you there?", tag }]);
  // The next of the conversation takes its place; what is not to be read by others has no text.
  await deliver(JSON.stringify({ ...notice, title: "", kind: "image", text: "" }));
  await expect.poll(shown).toEqual([{ title: "Oort", body: "[image]", tag }]);
  await deliver("not ours");
  await expect.poll(async () => (await shown()).length).toBe(2);

  await worker.evaluate(async (tag) => {
    const scope = self as unknown as {
      registration: ServiceWorkerRegistration;
      NotificationEvent: new (type: string, init: { notification: Notification }) => Event;
    };
    const [notification] = await scope.registration.getNotifications({ tag });
    if (!notification) throw new Error("it is shown");
    self.dispatchEvent(new scope.NotificationEvent("notificationclick", { notification }));
  }, tag);
  await expect.poll(async () => (await shown()).some((one) => one.tag === tag)).toBe(false);
});
