import { afterEvent, put, type Ties } from "./core/contacts.js";
import { OortError } from "./error.js";
import type { Http } from "./io/http.js";
import { Cell } from "./stores.js";
import type { Contact, Privacy, Store, User, UserEvent } from "./types.js";

/** Contacts in a page; a server may give fewer, but not so few unless it is the last. */
const PAGE = 100;
const PAGE_MIN = 20;

/** Contacts, requests and blocks of the user. The lists are read when somebody watches, and follow the user's events. */
export class Contacts {
  /** What is between oneself and others, by their ids; null: not read yet. */
  readonly all: Store<Ties | null>;
  readonly #http: Http;
  readonly #all: Cell<Ties | null>;
  #isWatched = false;
  /** Events that came while the lists were read: they may not be in them. */
  #meanwhile: UserEvent[] | null = null;

  constructor(http: Http) {
    this.#http = http;
    this.#all = new Cell<Ties | null>(null, (isWatched) => {
      this.#isWatched = isWatched;
      this.refresh();
    });
    this.all = this.#all;
  }

  /** Reads the lists where somebody watches and they are not known. */
  refresh(): void {
    if (this.#isWatched && this.#all.get() === null && this.#meanwhile === null) void this.#load();
  }

  /** Another user, or nobody, or too much was missed. */
  forget(): void {
    this.#meanwhile = null;
    this.#all.set(null);
  }

  /** Something changed for the user. */
  heard(event: UserEvent): void {
    this.#meanwhile?.push(event);
    const ties = this.#all.get();
    if (ties) this.#all.set(afterEvent(ties, event));
  }

  /** Asks somebody to be a contact; whoever was asked by them already is one at once. */
  request(userId: string, message = ""): Promise<Contact> {
    return this.#do("POST", "/requests", { userId, message });
  }

  accept(userId: string): Promise<Contact> {
    return this.#do("POST", `/requests/${encodeURIComponent(userId)}/accept`);
  }

  refuse(userId: string): Promise<Contact> {
    return this.#do("POST", `/requests/${encodeURIComponent(userId)}/refuse`);
  }

  withdraw(userId: string): Promise<Contact> {
    return this.#do("POST", `/requests/${encodeURIComponent(userId)}/withdraw`);
  }

  /** Notes something about a contact, for oneself alone. */
  remark(userId: string, remark: string): Promise<Contact> {
    return this.#do("PUT", `/${encodeURIComponent(userId)}`, { remark });
  }

  /** Ends being contacts, on both sides. */
  async remove(user: User): Promise<void> {
    await this.#http.call("DELETE", `/api/contacts/${encodeURIComponent(user.id)}`);
    const ties = this.#all.get();
    const tie = ties?.get(user.id);
    if (ties && tie) this.#all.set(put(ties, { ...tie, state: "none", remark: "" }));
  }

  /** Takes nothing from somebody any more, or does again. */
  block(userId: string, blocked: boolean): Promise<Contact> {
    return this.#do(blocked ? "PUT" : "DELETE", `/${encodeURIComponent(userId)}/block`);
  }

  privacy(): Promise<Privacy> {
    return this.#http.call("GET", "/api/me/privacy");
  }

  setPrivacy(privacy: Privacy): Promise<Privacy> {
    return this.#http.call("PUT", "/api/me/privacy", privacy);
  }

  async #do(method: string, path: string, body?: object): Promise<Contact> {
    const contact = await this.#http.call<Contact>(method, `/api/contacts${path}`, body);
    const ties = this.#all.get();
    if (ties) this.#all.set(put(ties, contact));
    return contact;
  }

  async #load(): Promise<void> {
    const meanwhile: UserEvent[] = [];
    this.#meanwhile = meanwhile;
    try {
      const [contacts, blocked, requests] = await Promise.all([
        this.#pages("/api/contacts"),
        this.#pages("/api/contacts/blocked"),
        this.#http.call<{ incoming: Contact[]; outgoing: Contact[] }>("GET", "/api/contacts/requests"),
      ]);
      // Forgotten meanwhile: another user, or another reading is under way.
      if (this.#meanwhile !== meanwhile) return;
      const lists = [...blocked, ...contacts, ...requests.incoming, ...requests.outgoing];
      const read: Ties = new Map(lists.map((contact) => [contact.user.id, contact]));
      this.#all.set(meanwhile.reduce(afterEvent, read));
    } catch (error) {
      // After the next greeting it is tried again.
      if (!(error instanceof OortError)) throw error;
    } finally {
      if (this.#meanwhile === meanwhile) this.#meanwhile = null;
    }
  }

  async #pages(path: string): Promise<Contact[]> {
    const all: Contact[] = [];
    for (;;) {
      const last = all.at(-1);
      const from = last ? `&after=${encodeURIComponent(last.user.id)}` : "";
      const { contacts } = await this.#http.call<{ contacts: Contact[] }>(
        "GET",
        `${path}?limit=${PAGE}${from}`,
      );
      all.push(...contacts);
      if (contacts.length < PAGE_MIN) return all;
    }
  }
}
