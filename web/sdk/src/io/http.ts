import { OortError } from "../error.js";
import type { components } from "../generated/openapi.js";
import { TIMES } from "../limits.js";
import type { Auth, Tokens } from "../types.js";

export type Schemas = components["schemas"];

/** What a call may have beside its body. */
export interface CallOptions {
  readonly headers?: Record<string, string>;
  /** Ends it: `stopped`. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the answer, ms. */
  readonly timeoutMs?: number;
}

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

  /** Takes those of another tab when they are newer. */
  adoptNewer(tokens: Tokens): void {
    if (this.#tokens && endsAtMs(tokens.accessToken) > endsAtMs(this.#tokens.accessToken)) this.adopt(tokens);
  }

  get tokens(): Tokens | null {
    return this.#tokens;
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
        const session = await this.callAsNobody<Schemas["Session"]>("POST", "/api/sessions/refresh", {
          refreshToken,
        });
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
  async call<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    const answer = await this.#authorised(method, path, body, options);
    return parsed(await answer.text()) as T;
  }

  /** Bytes that the API answers with. */
  async blob(path: string, options: CallOptions = {}): Promise<Blob> {
    const answer = await this.#authorised("GET", path, undefined, options);
    return answer.blob();
  }

  async #authorised(method: string, path: string, body: unknown, options: CallOptions): Promise<Answer> {
    const token = await this.token();
    const headers = options.headers ?? {};
    try {
      const authorised = token === null ? headers : { ...headers, authorization: `Bearer ${token}` };
      return await this.#request(method, path, body, { ...options, headers: authorised });
    } catch (error) {
      if (!(error instanceof OortError) || error.code !== "unauthenticated") throw error;
      if (token !== null && (await this.renew())) {
        const renewed = await this.token();
        const authorised = { ...headers, authorization: `Bearer ${renewed}` };
        return this.#request(method, path, body, { ...options, headers: authorised });
      }
      this.onUnauthenticated();
      throw error;
    }
  }

  /** The same without credentials: to get some. */
  async callAsNobody<T>(method: string, path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    const answer = await this.#request(method, path, body, options);
    return parsed(await answer.text()) as T;
  }

  async #request(method: string, path: string, body: unknown, options: CallOptions): Promise<Answer> {
    const { headers, signal, timeoutMs = TIMES.httpMs } = options;
    const isBytes = body instanceof Blob;
    const tooLong = AbortSignal.timeout(timeoutMs);
    const reached = <T>(what: Promise<T>): Promise<T> =>
      what.catch(() => {
        if (signal?.aborted) throw new OortError("stopped", "this was stopped");
        throw new OortError("offline", "the server cannot be reached; try again");
      });
    const response = await reached(
      fetch(this.base + path, {
        method,
        headers: {
          "content-type": isBytes ? "application/offset+octet-stream" : "application/json",
          "x-requested-with": "oort",
          ...headers,
        },
        credentials: this.auth.kind === "cookie" ? "include" : "omit",
        signal: signal ? AbortSignal.any([signal, tooLong]) : tooLong,
        ...(body !== undefined && { body: isBytes ? body : JSON.stringify(body) }),
      }),
    );
    if (response.ok) return { text: () => reached(response.text()), blob: () => reached(response.blob()) };
    const refusal = parsed(await reached(response.text())) as { code?: string; message?: string } | undefined;
    const seconds = Number(response.headers.get("retry-after"));
    throw new OortError(
      refusal?.code ?? (response.status >= 500 ? "unavailable" : "internal"),
      refusal?.message ?? `the server answered with status ${response.status}`,
      seconds > 0 ? seconds * 1000 : undefined,
      response.status,
    );
  }
}

/** A success, whose body is still to be read. */
interface Answer {
  text(): Promise<string>;
  blob(): Promise<Blob>;
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
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
