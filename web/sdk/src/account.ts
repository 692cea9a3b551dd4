import { OortError } from "./error.js";
import type { Http, Schemas } from "./io/http.js";
import type { LogInSession, Tokens, User } from "./types.js";

interface Entered {
  user: User;
  accessToken?: string;
  refreshToken?: string;
}

/** Signing up, logging in and out. */
export class Account {
  constructor(
    readonly http: Http,
    /** Somebody is logged in now. */
    readonly entered: (tokens: Tokens | null) => void,
    /** Nobody is any more. */
    readonly left: () => Promise<void>,
  ) {}

  /** Makes an account and logs in. */
  signUp(account: { username: string; email?: string; password: string }): Promise<User> {
    return this.#enter("/api/accounts", account);
  }

  /** `login` is a user name or an e-mail address. */
  logIn(credentials: { login: string; password: string }): Promise<User> {
    return this.#enter("/api/sessions", credentials);
  }

  /** Ends the log-in here, and forgets everything that was kept, also what waits to be sent. */
  async logOut(): Promise<void> {
    try {
      await this.http.call("DELETE", "/api/sessions/current");
    } catch (error) {
      // It was over before.
      if (!(error instanceof OortError) || error.status !== 401) throw error;
    }
    await this.left();
  }

  /** Where one is logged in. */
  async sessions(): Promise<readonly LogInSession[]> {
    const { sessions } = await this.http.call<{ sessions: LogInSession[] }>("GET", "/api/sessions");
    return sessions;
  }

  endSession(id: string): Promise<void> {
    return this.http.call("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
  }

  async #enter(path: string, body: Schemas["NewAccount"] | Schemas["NewSession"]): Promise<User> {
    const isCookie = this.http.auth.kind === "cookie";
    const answer = await this.http.callAsNobody<Entered>(
      "POST",
      path,
      isCookie ? { ...body, cookie: true } : body,
    );
    const { user, accessToken, refreshToken } = answer;
    this.entered(isCookie || !accessToken || !refreshToken ? null : { accessToken, refreshToken });
    return user;
  }
}
