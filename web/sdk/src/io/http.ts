import { OortError } from "../error.js";
import type { components } from "../generated/openapi.js";
import { TIMES } from "../limits.js";
import type { Auth, Tokens } from "../types.js";

export type Schemas = components["schemas"];

/** The HTTP API, with the caller's credentials; renews tokens in time. */
export class Http {
  #tokens: Tokens | null;
  #renewal: Promise<boolean> | null = null;
  /** Other tabs are to use these from now on. */
  onTokens: (tokens: Tokens | null) => void = () => {};
  /** The log-in is over. */
  onUnauthenticated: () => void = () => {};

  constructor(
    readonly base: string,
    readonly auth: Auth,
    /** Held while a refresh token is used: it serves once, whichever tab is first. */
    readonly lock: <T>(fn: () => Promise<T>) => Promise<T> = (fn) => fn(),
  ) {
    const { accessToken, refreshToken } = auth.kind === "token" ? auth : {};
    this.#tokens =
      accessToken || refreshToken
        ? { accessToken: accessToken ?? "", refreshToken: refreshToken ?? "" }
        : null;
  }

  /** What to offer a WebSocket as credentials; null: the browser sends the cookie. Throws when there is none. */
  async token(): Promise<string | null> {
    if (this.auth.kind === "cookie") return null;
    if (this.#tokens && endsAtMs(this.#tokens.accessToken) < Date.now() + TIMES.tokenMarginMs)
      await this.renew();
    if (!this.#tokens) throw new OortError("unauthenticated", "log in first");
    return this.#tokens.accessToken;
  }

  /** Takes tokens, from a log-in or another tab. */
  adopt(tokens: Tokens | null): void {
    this.#tokens = tokens;
    if (this.auth.kind === "token") this.auth.onTokens?.(tokens);
  }

  take(tokens: Tokens | null): void {
    this.adopt(tokens);
    this.onTokens(tokens);
  }

  /** New tokens for the refresh token; one exchange at a time. `false`: there is nothing left to exchange. */
  renew(): Promise<boolean> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(): Promise<boolean> {
    const before = this.#tokens;
    if (this.auth.kind === "cookie" || !before?.refreshToken) return false;
    return this.lock(async () => {
      // Another tab was quicker, or the log-in has ended.
      if (this.#tokens !== before) return this.#tokens !== null;
      try {
        const { refreshToken } = before;
        const session = await this.#request<Schemas["Session"]>(
          "POST",
          "/api/sessions/refresh",
          { refreshToken },
          {},
        );
        this.take({
          accessToken: session.accessToken,
          refreshToken: session.refreshToken,
        });
        return true;
      } catch (error) {
        if (!(error instanceof OortError) || error.status !== 401) throw error;
        this.take(null);
        return false;
      }
    });
  }

  /** Calls the API. Throws an `OortError` for every refusal. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const token = await this.token();
    try {
      return await this.#request<T>(
        method,
        path,
        body,
        token === null ? {} : { authorization: `Bearer ${token}` },
      );
    } catch (error) {
      if (!(error instanceof OortError) || error.code !== "unauthenticated") throw error;
      if (token !== null && (await this.renew())) {
        const renewed = await this.token();
        return this.#request<T>(method, path, body, {
          authorization: `Bearer ${renewed}`,
        });
      }
      this.onUnauthenticated();
      throw error;
    }
  }

  /** The same without credentials: to get some. */
  callAsNobody<T>(method: string, path: string, body: unknown): Promise<T> {
    return this.#request<T>(method, path, body, {});
  }

  async #request<T>(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.base + path, {
        method,
        headers: {
          "content-type": "application/json",
          "x-requested-with": "oort",
          ...headers,
        },
        credentials: this.auth.kind === "cookie" ? "include" : "omit",
        signal: AbortSignal.timeout(TIMES.httpMs),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch {
      throw new OortError("offline", "the server cannot be reached; try again");
    }
    let value: unknown;
    try {
      value = text === "" ? undefined : JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (response.ok) return value as T;
    const refusal = value as { code?: string; message?: string } | undefined;
    const seconds = Number(response.headers.get("retry-after"));
    throw new OortError(
      refusal?.code ?? (response.status >= 500 ? "unavailable" : "internal"),
      refusal?.message ?? `the server answered with status ${response.status}`,
      seconds > 0 ? seconds * 1000 : undefined,
      response.status,
    );
  }
}

/** When an access token (a JWT) ends; one that cannot be read is used until it is refused. */
function endsAtMs(token: string): number {
  if (token === "") return 0;
  try {
    const payload = token.split(".")[1] ?? "";
    const { exp } = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
    return typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
