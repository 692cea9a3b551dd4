import { expect, type Locator, type Page } from "@playwright/test";
import { testids } from "../../lib/testids";

/** One tab of the client, by what a person sees and does in it. */
export class Chat {
  constructor(readonly page: Page) {}

  /** The element of this name. */
  at(name: keyof typeof testids): Locator {
    return this.page.getByTestId(testids[name]);
  }

  async signUp(username: string, password: string): Promise<void> {
    await this.page.goto("/signup/");
    await this.at("signUpUsername").fill(username);
    await this.at("signUpPassword").fill(password);
    await this.at("signUpSubmit").click();
    await this.isOnline();
  }

  async logIn(username: string, password: string): Promise<void> {
    await this.page.goto("/login/");
    await this.at("logInLogin").fill(username);
    await this.at("logInPassword").fill(password);
    await this.at("logInSubmit").click();
    await this.isOnline();
  }

  /** Opens the client where somebody is logged in already. */
  async open(conversation?: string): Promise<void> {
    await this.page.goto(conversation ? `/chat/?c=${conversation}` : "/chat/");
    await this.isOnline();
  }

  async isOnline(): Promise<void> {
    await expect(this.at("connection")).toHaveAttribute("data-state", "online");
  }

  async isOffline(): Promise<void> {
    await expect(this.at("connection")).not.toHaveAttribute("data-state", "online");
  }

  /** Looks for a person by name and opens the conversation with them. */
  async writeTo(username: string): Promise<void> {
    await this.at("search").fill(username);
    await this.at("peopleResult").filter({ hasText: username }).first().click();
    await expect(this.at("chatTitle")).toContainText(username);
  }

  /** The entry of a conversation in the list, by its name. */
  entry(name: string): Locator {
    return this.at("conversationItem").filter({ hasText: name });
  }

  async openEntry(name: string): Promise<void> {
    await this.entry(name).click();
    await expect(this.at("chatTitle")).toContainText(name);
  }

  /** Id of the conversation that is open. */
  conversation(): string {
    const id = new URL(this.page.url()).searchParams.get("c");
    if (!id) throw new Error(`no conversation is open at ${this.page.url()}`);
    return id;
  }

  async write(text: string): Promise<void> {
    await this.at("composerText").fill(text);
    await this.at("composerText").press("Enter");
  }

  /** Messages on screen with exactly this text. */
  messages(text: string): Locator {
    return this.at("messageText").filter({ hasText: exactly(text) });
  }

  async shows(text: string): Promise<void> {
    await expect(this.messages(text)).toHaveCount(1);
  }

  /** Until the server has it. */
  async hasStored(text: string): Promise<void> {
    const message = this.at("message").filter({ has: this.messages(text) });
    await expect(message).toHaveCount(1);
    await expect(message).toHaveAttribute("data-state", /^(sent|delivered|read)$/);
  }

  /** The number beside a conversation; 0 where none is shown. */
  async unread(name: string): Promise<number> {
    // Looked at once: between two looks it may go.
    const [text] = await this.entry(name).getByTestId(testids.conversationUnread).allTextContents();
    return text === undefined ? 0 : Number.parseInt(text, 10);
  }

  /**
   * Every message of the open conversation from its first to its last, by scrolling up: [seq, text].
   * The list holds only what is near the screen, so it is read piece by piece.
   */
  async wholeTimeline(): Promise<[number, string][]> {
    const seen = new Map<number, string>();
    const timeline = this.at("timeline");
    const read = async () => {
      const rows = await this.at("message").evaluateAll(
        (elements, textId) =>
          elements
            .filter((element) => element.hasAttribute("data-seq"))
            .map((element): [number, string] => [
              Number(element.getAttribute("data-seq")),
              element.querySelector(`[data-testid="${textId}"]`)?.textContent ?? "",
            ]),
        testids.messageText,
      );
      for (const [seq, text] of rows) {
        expect(seen.get(seq) ?? text, `two texts at ${seq}`).toBe(text);
        seen.set(seq, text);
      }
      return rows;
    };
    await read();
    while (!seen.has(1)) {
      const before = Math.min(...seen.keys());
      // As a person with a wheel: on until older ones come.
      const further = async () => {
        await timeline.evaluate((element) => element.scrollBy(0, -element.clientHeight / 2));
        return Math.min(...(await read()).map(([seq]) => seq));
      };
      await expect.poll(further, `what is older than ${before}`).toBeLessThan(before);
    }
    return [...seen].sort(([a], [b]) => a - b);
  }
}

/** The text whole, whatever whitespace stands around it. */
function exactly(text: string): RegExp {
  return new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\s*$`);
}
