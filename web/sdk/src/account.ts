import { RequestKeys } from "./core/request-keys.js";
import { OortError } from "./error.js";
import type { Http, Schemas } from "./io/http.js";
import type { AccountInfo, LogInSession, Profile, Tokens, User } from "./types.js";

interface Entered {
  user: User;
  accessToken?: string;
  refreshToken?: string;
}

/** Signing up, logging in and out, and what one's account is. */
export class Account {
  readonly #signUps = new RequestKeys();

  constructor(
    readonly http: Http,
    /** Somebody is logged in now. */
    readonly entered: (tokens: Tokens | null) => void,
    /** Nobody is any more. */
    readonly left: () => Promise<void>,
  ) {}

  /** Makes an account and logs in, also when one was made before whose answer was lost. `code`: as it was mailed, where the
   * server asks for one. */
  signUp(account: { username: string; email?: string; password: string; code?: string }): Promise<User> {
    const { username, email } = account;
    return this.#signUps.under([username, email], (headers) =>
      this.#enter("/api/accounts", account, headers),
    );
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

  /** Has a code mailed to an address. The answer is the same whether or not somebody has it. Returns when the code ends. */
  async askCode(purpose: "sign_up" | "reset", email: string): Promise<number> {
    const body: Schemas["NewCode"] = { purpose, email };
    const { expiresAtMs } = await this.http.callAsNobody<Schemas["MailedCode"]>("POST", "/api/codes", body);
    return expiresAtMs;
  }

  /** Sets a new password with a mailed code; all log-ins end. */
  resetPassword(reset: { email: string; code: string; password: string }): Promise<void> {
    return this.http.callAsNobody("POST", "/api/password-resets", reset);
  }

  /** Sets a new password; all other log-ins end. */
  changePassword(oldPassword: string, newPassword: string): Promise<void> {
    return this.http.call("PUT", "/api/me/password", { oldPassword, newPassword });
  }

  /** One's own account with what one tells of oneself. */
  async info(): Promise<AccountInfo> {
    return infoOf(await this.http.call("GET", "/api/me"));
  }

  /** Changes what one tells of oneself; what is absent stays, what is empty is taken away. */
  async changeProfile(profile: Partial<Profile>): Promise<AccountInfo> {
    return infoOf(await this.http.call("PATCH", "/api/me", profile));
  }

  /** Puts the account to sleep until the next log-in. */
  async deactivate(password: string): Promise<void> {
    await this.http.call("POST", "/api/me/deactivation", { password });
    await this.left();
  }

  /** Deletes the account for ever. */
  async delete(password: string): Promise<void> {
    await this.http.call("DELETE", "/api/me", { password });
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

  /** Ends all log-ins but this one. Returns how many. */
  async endOtherSessions(): Promise<number> {
    const { ended } = await this.http.call<Schemas["EndedLogIns"]>("DELETE", "/api/sessions");
    return ended;
  }

  async #enter(
    path: string,
    body: Schemas["NewAccount"] | Schemas["NewSession"],
    headers: Record<string, string> = {},
  ): Promise<User> {
    const isCookie = this.http.auth.kind === "cookie";
    const answer = await this.http.callAsNobody<Entered>(
      "POST",
      path,
      isCookie ? { ...body, cookie: true } : body,
      { headers },
    );
    const { user, accessToken, refreshToken } = answer;
    this.entered(isCookie || !accessToken || !refreshToken ? null : { accessToken, refreshToken });
    return user;
  }
}

function infoOf({ user, profile, createdAtMs, email }: Schemas["Me"]): AccountInfo {
  return { user, profile, createdAtMs, ...(email && { email }) };
}
