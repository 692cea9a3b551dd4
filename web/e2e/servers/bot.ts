import { randomUUID } from "node:crypto";

/** Longest time for something to be taken that was refused for now. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 50;

/** A person without a browser, over the HTTP API. */
export class Bot {
  private constructor(
    private readonly api: string,
    readonly id: string,
    readonly username: string,
    private readonly token: string,
  ) {}

  static async signUp(api: string, username: string, password = "correct horse"): Promise<Bot> {
    const made = await call(api, "POST", "/api/accounts", undefined, { username, password });
    return new Bot(api, made.user.id, username, made.accessToken);
  }

  static async logIn(api: string, login: string, password = "correct horse"): Promise<Bot> {
    const made = await call(api, "POST", "/api/sessions", undefined, { login, password });
    return new Bot(api, made.user.id, login, made.accessToken);
  }

  async room(name: string): Promise<string> {
    return (await this.call("POST", "/api/rooms", { name })).id;
  }

  async group(name: string, memberIds: string[]): Promise<string> {
    return (await this.call("POST", "/api/groups", { name, memberIds })).id;
  }

  async direct(userId: string): Promise<string> {
    return (await this.call("POST", "/api/direct", { userId })).id;
  }

  /** Sends once; the `seq`. */
  async send(conversation: string, content: string, clientMsgId: string = randomUUID()): Promise<number> {
    return (await this.call("POST", `/api/conversations/${conversation}/messages`, { content, clientMsgId })).seq;
  }

  /** Sends until it is stored, under one id, so that it is stored once. */
  async sendSurely(conversation: string, content: string): Promise<number> {
    const clientMsgId = randomUUID();
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.send(conversation, content, clientMsgId);
      } catch (error) {
        if (Date.now() > giveUpAt) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  /** The texts of a conversation in order, all of them. */
  async history(conversation: string): Promise<string[]> {
    const texts: string[] = [];
    for (let after = 0; ; ) {
      const path = `/api/conversations/${conversation}/messages?after=${after}&limit=100`;
      const page = await this.call("GET", path);
      for (const message of page.messages) {
        after = message.seq;
        if (message.kind === "text") texts.push(message.content);
      }
      if (!page.hasMore) return texts;
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the API answers is asserted by the tests that read it
  async call(method: string, path: string, body?: unknown): Promise<any> {
    return call(this.api, method, path, this.token, body);
  }
}

async function call(
  api: string,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: see above
): Promise<any> {
  const headers: Record<string, string> = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (;;) {
    const response = await fetch(api + path, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (response.ok) return text ? JSON.parse(text) : undefined;
    // A server that is busy says so, and is asked again.
    const isAgain = response.status === 503 && mayRepeat(method, body) && Date.now() < giveUpAt;
    if (!isAgain) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    const waitMs = Number(response.headers.get("retry-after")) * 1000 || PAUSE_MS;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** Done twice it is as if it were done once. */
function mayRepeat(method: string, body: unknown): boolean {
  const isNamed = typeof body === "object" && body !== null && "clientMsgId" in body;
  return method === "GET" || method === "PUT" || isNamed;
}
