import { afterEach, describe, expect, it, vi } from "vitest";
import type { Http } from "../../src/io/http.js";
import { Push } from "../../src/push.js";

const PATH = "/api/sessions/current/notifications";
const keys = { p256dh: "point", auth: "secret" };

/** A browser whose subscription was made for a key, or none; and a server with a key, or none. */
function world({ vapidPublicKey, permission = "granted", key = "" }: { [name: string]: string | undefined }) {
  let heldKey = key;
  const held = {
    toJSON: () => ({ endpoint: `https://push.example/${heldKey}`, keys }),
    unsubscribe: vi.fn(async () => {
      heldKey = "";
      return true;
    }),
  };
  const pushManager = {
    subscribe: vi.fn(async ({ applicationServerKey }: { applicationServerKey: string }) => {
      if (heldKey !== "" && heldKey !== applicationServerKey)
        throw new DOMException("another key", "InvalidStateError");
      heldKey = applicationServerKey;
      return held;
    }),
    getSubscription: async () => (heldKey === "" ? null : held),
  };
  const registration = { pushManager };
  const serviceWorker = { ready: Promise.resolve(registration), getRegistration: async () => registration };
  vi.stubGlobal("navigator", { serviceWorker });
  vi.stubGlobal("PushManager", class {});
  vi.stubGlobal("Notification", { permission });
  const call = vi.fn(async (method: string) =>
    method === "GET" ? { kinds: [], vapidPublicKey } : undefined,
  );
  return { push: new Push({ call } as unknown as Http), call, held, pushManager };
}

const target = (key: string) => ({ kind: "webpush", endpoint: `https://push.example/${key}`, keys });

describe("pushes", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("are asked for with the server's key", async () => {
    const { push, call, pushManager } = world({ vapidPublicKey: "A" });
    expect(await push.isOffered()).toBe(true);
    expect(await push.subscribe()).toBe(true);
    expect(pushManager.subscribe).toHaveBeenCalledWith({ userVisibleOnly: true, applicationServerKey: "A" });
    expect(call).toHaveBeenLastCalledWith("PUT", PATH, target("A"));
  });

  it("are asked for anew when the server has another key", async () => {
    const { push, call, held } = world({ vapidPublicKey: "B", key: "A" });
    expect(await push.subscribe()).toBe(true);
    expect(held.unsubscribe).toHaveBeenCalledOnce();
    expect(call).toHaveBeenLastCalledWith("PUT", PATH, target("B"));
  });

  it("are not where server, browser or user want none", async () => {
    const { push } = world({});
    expect([await push.isOffered(), await push.subscribe()]).toEqual([false, false]);
    const denied = world({ vapidPublicKey: "A", permission: "denied" });
    expect(await denied.push.subscribe()).toBe(false);
    expect(denied.pushManager.subscribe).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
    vi.stubGlobal("navigator", {});
    expect(await denied.push.isOffered()).toBe(false);
  });

  it("end at the server and in the browser", async () => {
    const { push, call, held } = world({ vapidPublicKey: "A", key: "A" });
    await push.unsubscribe();
    expect(call).toHaveBeenCalledWith("DELETE", PATH);
    expect(held.unsubscribe).toHaveBeenCalledOnce();
  });
});
