import type { BrowserContext, ConsoleMessage, Page } from "@playwright/test";

/** Lines that a browser writes by itself when the network fails. */
const NETWORK = [/^Failed to load resource: net::/, /^WebSocket connection to .* failed/];
/** A page that asks who is logged in is told "nobody"; a server that is busy says so, and is asked again. */
const ALWAYS = [/^Failed to load resource: the server responded with a status of (401|503)/];

/** Hears every breach of the content security policy, every error on the console and every exception of the pages of a context. */
export class Guard {
  private readonly heard: string[] = [];
  private readonly allowed = [...ALWAYS];

  static async over(context: BrowserContext): Promise<Guard> {
    const guard = new Guard();
    await context.exposeBinding("tellPolicyViolation", (_source, violation: string) => {
      guard.heard.push(`content security policy: ${violation}`);
    });
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const tell = (window as unknown as { tellPolicyViolation(text: string): void }).tellPolicyViolation;
        tell(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
      });
    });
    context.on("page", (page) => guard.listen(page));
    context.on("console", (message) => guard.read(message));
    return guard;
  }

  /** From now on failed requests are part of the test; a breach of the policy never is. */
  allowNetworkErrors(): void {
    this.allowed.push(...NETWORK);
  }

  /** From now on an answer with this status is part of the test. */
  allowStatus(status: number): void {
    this.allowed.push(new RegExp(`^Failed to load resource: the server responded with a status of ${status}`));
  }

  /** What nobody allowed. */
  problems(): readonly string[] {
    return this.heard.filter((line) => !this.allowed.some((pattern) => pattern.test(line)));
  }

  private listen(page: Page): void {
    page.on("pageerror", (error) => this.heard.push(`exception: ${error.stack ?? error.message}`));
    page.on("crash", () => this.heard.push("a page crashed"));
  }

  private read(message: ConsoleMessage): void {
    if (message.type() === "error") this.heard.push(message.text());
  }
}
