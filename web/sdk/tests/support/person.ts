import { type Client, createClient } from "../../src/node.js";
import type { ClientOptions, LogItem, Message, Tokens } from "../../src/types.js";
import { eventually } from "./oort.js";
import { faultOf } from "./schema.js";

let count = 0;

/** A user of a real server with a client, whose every frame is held against the schema. */
export class Person {
  readonly told = new Map<string, Message[]>();
  readonly faults: string[] = [];
  readonly frames: { direction: "in" | "out"; type: string; payload: Record<string, unknown> }[] = [];
  readonly states: string[] = [];
  readonly client: Client;
  name = "";
  tokens: Tokens | null = null;

  constructor(url: string, options: Partial<ClientOptions> = {}) {
    const onTokens = (tokens: Tokens | null) => {
      this.tokens = tokens;
    };
    const auth = { kind: "token" as const, onTokens };
    this.client = createClient({
      url,
      auth,
      storage: "memory",
      ...options,
      trace: (direction, frame) => {
        const fault = faultOf(direction === "in" ? "server" : "client", frame);
        if (fault !== null) this.faults.push(fault);
        const { type, payload } = frame as { type: string; payload: Record<string, unknown> };
        this.frames.push({ direction, type, payload });
      },
    });
    this.client.on("message", ({ conversationId, message }) => {
      const told = this.told.get(conversationId) ?? [];
      this.told.set(conversationId, told);
      told.push(message);
    });
    this.client.connection.subscribe(() => this.states.push(this.client.connection.get().state));
  }

  /** A new account, online. */
  static async join(url: string, prefix: string, options: Partial<ClientOptions> = {}): Promise<Person> {
    const person = new Person(url, options);
    await person.signUp(prefix);
    await person.online();
    return person;
  }

  async signUp(prefix: string): Promise<void> {
    this.name = `${prefix}-${process.pid}-${Date.now().toString(36)}-${++count}`;
    await this.client.account.signUp({ username: this.name, password: "secret" });
  }

  async online(): Promise<void> {
    this.client.start();
    await eventually("online", () => this.client.connection.get().state === "online");
  }

  get id(): string {
    return this.client.me.get()?.id ?? "";
  }

  items(conversationId: string): readonly LogItem[] {
    return this.client.conversation(conversationId).log.get().items;
  }

  texts(conversationId: string): string[] {
    return this.items(conversationId).map(({ content }) => content);
  }

  /** The server keeps cursors and answers `watch`. */
  get hasCursors(): boolean {
    return this.frames.some(({ type, payload }) => {
      const rooms = payload.rooms as { readSeq?: number }[] | undefined;
      return type === "hello" && rooms?.some(({ readSeq }) => readSeq !== undefined) === true;
    });
  }
}
