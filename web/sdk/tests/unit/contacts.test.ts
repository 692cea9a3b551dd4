import { beforeEach, describe, expect, it } from "vitest";
import { Contacts } from "../../src/contacts.js";
import { afterEvent, type Ties } from "../../src/core/contacts.js";
import { OortError } from "../../src/error.js";
import type { Http } from "../../src/io/http.js";
import type { Contact, UserEvent } from "../../src/types.js";
import { ANN, BOB } from "../support/messages.js";

let seq = 0;
const event = (kind: string, data: Record<string, unknown> = {}): UserEvent => {
  return { seq: ++seq, atMs: 5000, kind, data: { user: BOB, ...data } };
};

const contact = (more: Partial<Contact> = {}): Contact => {
  return { user: BOB, state: "contact", blocked: false, remark: "", sinceMs: 1, ...more };
};

describe("lists of contacts", () => {
  const through = (...events: UserEvent[]) => events.reduce(afterEvent, new Map() as Ties).get(BOB.id);

  it("follow a request to its end", () => {
    const asked = event("contact_requested", { direction: "out", message: "Hi", expiresAtMs: 9000 });
    expect(through(asked)).toEqual({
      user: BOB,
      state: "asked",
      blocked: false,
      remark: "",
      message: "Hi",
      sinceMs: 5000,
      expiresAtMs: 9000,
    });
    const asking = event("contact_requested", { direction: "in", message: "" });
    expect(through(asking)).toMatchObject({ state: "asking", message: "" });
    expect(through(asked, event("contact_added"))).toEqual(contact({ sinceMs: 5000 }));
    for (const end of ["contact_refused", "contact_withdrawn"])
      expect(through(asking, event(end))).toBeUndefined();
  });

  it("keep what is not touched, and forget who is nothing to one", () => {
    const noted = [event("contact_added"), event("contact_changed", { remark: "carpenter" })];
    expect(through(...noted)).toMatchObject({ state: "contact", remark: "carpenter" });
    const blocked = [...noted, event("block_changed", { blocked: true })];
    expect(through(...blocked)).toMatchObject({ state: "contact", remark: "carpenter", blocked: true });
    expect(through(...blocked, event("contact_removed"))).toMatchObject({
      state: "none",
      remark: "",
      blocked: true,
    });
    expect(
      through(...blocked, event("contact_removed"), event("block_changed", { blocked: false })),
    ).toBeUndefined();
  });

  it("are the same after what says nothing of them", () => {
    const ties: Ties = new Map([[BOB.id, contact()]]);
    expect(afterEvent(ties, event("contact_moved"))).toBe(ties);
    expect(afterEvent(ties, event("contact_added", { user: "3" }))).toBe(ties);
  });
});

/** Answers as `/api/contacts` does. */
class FakeHttp {
  readonly calls: string[] = [];
  contacts: Contact[] = [];
  blocked: Contact[] = [];
  incoming: Contact[] = [];
  isDown = false;
  /** Called before an answer. */
  onCall: () => void = () => {};

  async call(method: string, path: string): Promise<unknown> {
    this.calls.push(`${method} ${path}`);
    if (this.isDown) throw new OortError("offline", "no");
    const page = (all: Contact[]) => {
      const from = Number(new URLSearchParams(path.split("?")[1]).get("after") ?? 0);
      return { contacts: all.filter(({ user }) => Number(user.id) > from).slice(0, 25) };
    };
    const answer = path.startsWith("/api/contacts?")
      ? page(this.contacts)
      : path.startsWith("/api/contacts/blocked?")
        ? page(this.blocked)
        : method === "GET"
          ? { incoming: this.incoming, outgoing: [] }
          : contact();
    this.onCall();
    return answer;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("contacts", () => {
  let http: FakeHttp;
  let contacts: Contacts;

  beforeEach(() => {
    http = new FakeHttp();
    contacts = new Contacts(http as unknown as Http);
  });

  it("are read when somebody watches, all pages of them, once", async () => {
    http.contacts = Array.from({ length: 60 }, (_, at) =>
      contact({ user: { id: `${at + 1}`, username: `u${at}` } }),
    );
    http.incoming = [contact({ user: { id: "99", username: "eve" }, state: "asking", message: "Hi" })];
    contacts.refresh();
    expect(http.calls).toEqual([]);
    contacts.all.subscribe(() => {});
    contacts.all.subscribe(() => {});
    await settled();
    expect(contacts.all.get()?.size).toBe(61);
    expect(http.calls).toHaveLength(5);
  });

  it("miss nothing that happens while they are read", async () => {
    http.contacts = [contact()];
    http.onCall = () => {
      http.onCall = () => {};
      contacts.heard(event("contact_removed"));
      contacts.heard(event("contact_requested", { user: ANN, direction: "in" }));
    };
    contacts.all.subscribe(() => {});
    await settled();
    expect([...(contacts.all.get()?.keys() ?? [])]).toEqual([ANN.id]);
  });

  it("show what was done at once", async () => {
    contacts.all.subscribe(() => {});
    await settled();
    await contacts.accept(BOB.id);
    expect(contacts.all.get()?.get(BOB.id)).toMatchObject({ state: "contact" });
    await contacts.remove(BOB);
    expect(contacts.all.get()?.size).toBe(0);
  });

  it("are read again after a failure, and for whoever comes next", async () => {
    http.isDown = true;
    contacts.all.subscribe(() => {});
    await settled();
    expect(contacts.all.get()).toBeNull();
    http.isDown = false;
    http.contacts = [contact()];
    contacts.refresh();
    await settled();
    expect(contacts.all.get()?.size).toBe(1);
    contacts.forget();
    expect(contacts.all.get()).toBeNull();
  });
});
