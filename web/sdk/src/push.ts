import type { Http, Schemas } from "./io/http.js";

const PATH = "/api/sessions/current/notifications";

/** Notifications by the browser's push service: they come while no page is open. The page's service worker shows them. */
export class Push {
  constructor(readonly http: Http) {}

  /** Whether both the browser and the server have them. */
  async isOffered(): Promise<boolean> {
    return (await this.#offer()) !== null;
  }

  /**
   * Has this log-in notified by this browser; to be asked anew at each start, as browsers change their subscriptions.
   * `false`: not offered, or not allowed by the user. It ends with the log-in.
   */
  async subscribe(): Promise<boolean> {
    const key = await this.#offer();
    if (key === null || Notification.permission !== "granted") return false;
    const { pushManager } = await navigator.serviceWorker.ready;
    const options = { userVisibleOnly: true, applicationServerKey: key };
    const subscription = await pushManager.subscribe(options).catch(async (error: unknown) => {
      // It was made for another key of the server's.
      const old = await pushManager.getSubscription();
      if (!old) throw error;
      await old.unsubscribe();
      return pushManager.subscribe(options);
    });
    const { endpoint, keys } = subscription.toJSON();
    const { p256dh, auth } = keys ?? {};
    if (!endpoint || !p256dh || !auth) return false;
    const target: Schemas["NewNotificationTarget"] = { kind: "webpush", endpoint, keys: { p256dh, auth } };
    await this.http.call("PUT", PATH, target);
    return true;
  }

  /** Has this log-in notified no more. */
  async unsubscribe(): Promise<void> {
    await this.http.call("DELETE", PATH);
    if (typeof navigator === "undefined" || !("serviceWorker" in navigator)) return;
    const registration = await navigator.serviceWorker.getRegistration();
    await (await registration?.pushManager?.getSubscription())?.unsubscribe();
  }

  /** The server's key, where there are pushes. */
  async #offer(): Promise<string | null> {
    const isBrowser =
      typeof navigator === "object" && "serviceWorker" in navigator && typeof PushManager === "function";
    if (!isBrowser || typeof Notification === "undefined") return null;
    const { vapidPublicKey } = await this.http.call<Schemas["NotificationOffer"]>(
      "GET",
      "/api/notifications",
    );
    return vapidPublicKey ?? null;
  }
}
