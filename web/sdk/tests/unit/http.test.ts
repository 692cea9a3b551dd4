import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Account } from "../../src/account.js";
import { Http } from "../../src/io/http.js";
import type { Tokens } from "../../src/types.js";
import { ANN } from "../support/messages.js";

interface Call {
  readonly path: string;
  readonly init: RequestInit & { headers: Record<string, string> };
}

let calls: Call[];
let answer: (call: Call) => Response | Promise<Response>;

function token(name: string, lifeMs: number): string {
  const payload = { sub: name, exp: Math.floor((Date.now() + lifeMs) / 1000) };
  return `h.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.s`;
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
}

/** A server that renews tokens, and knows `good` ones only. */
function renewing(good: Set<string>, lifeMs = 900_000) {
  let count = 0;
  return ({ path, init }: Call) => {
    if (path.endsWith("/refresh")) {
      const accessToken = token(`renewed ${++count}`, lifeMs);
      good.add(accessToken);
      return json(200, { user: ANN, accessToken, refreshToken: `r${count + 1}` });
    }
    const bearer = init.headers.authorization?.slice("Bearer ".length) ?? "";
    return good.has(bearer)
      ? json(200, { ok: true })
      : json(401, { code: "unauthenticated", message: "log in" });
  };
}

beforeEach(() => {
  calls = [];
  vi.stubGlobal("fetch", async (path: string, init: Call["init"]) => {
    const call = { path, init };
    calls.push(call);
    return answer(call);
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the HTTP API", () => {
  it("renews a token that is about to end once, however many calls wait for it", async () => {
    const told: (Tokens | null)[] = [];
    const onTokens = (tokens: Tokens | null) => void told.push(tokens);
    const accessToken = token("old", 1000);
    const http = new Http("", { kind: "token", accessToken, refreshToken: "r1", onTokens });
    answer = renewing(new Set());
    await Promise.all([1, 2, 3].map(() => http.call("GET", "/api/me")));
    expect(calls.filter(({ path }) => path.endsWith("/refresh"))).toHaveLength(1);
    expect(told).toMatchObject([{ refreshToken: "r2" }]);
    await http.call("GET", "/api/me");
    expect(calls).toHaveLength(5);
  });

  it("renews a token that is refused, and asks again", async () => {
    const http = new Http("", { kind: "token", accessToken: token("revoked", 900_000), refreshToken: "r1" });
    answer = renewing(new Set());
    expect(await http.call("GET", "/api/me")).toEqual({ ok: true });
    expect(calls.map(({ path }) => path)).toEqual(["/api/me", "/api/sessions/refresh", "/api/me"]);
  });

  it("says that nobody is logged in when there is nothing left to renew", async () => {
    const onTokens = vi.fn();
    const http = new Http("", {
      kind: "token",
      accessToken: token("old", 0),
      refreshToken: "used",
      onTokens,
    });
    answer = () => json(401, { code: "refresh_reused", message: "used twice" });
    await expect(http.call("GET", "/api/me")).rejects.toMatchObject({ code: "unauthenticated" });
    expect(onTokens).toHaveBeenCalledWith(null);

    const page = new Http("", { kind: "cookie" });
    page.onUnauthenticated = vi.fn();
    answer = () => json(401, { code: "unauthenticated", message: "log in" });
    await expect(page.call("GET", "/api/me")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
    expect(page.onUnauthenticated).toHaveBeenCalledOnce();
  });

  it("keeps its tokens when they cannot be renewed just now", async () => {
    const onTokens = vi.fn();
    const http = new Http("", { kind: "token", accessToken: token("old", 0), refreshToken: "r1", onTokens });
    answer = () => json(503, { code: "overloaded", message: "wait" }, { "retry-after": "2" });
    await expect(http.call("GET", "/api/me")).rejects.toMatchObject({
      code: "overloaded",
      retryAfterMs: 2000,
    });
    expect(onTokens).not.toHaveBeenCalled();
    answer = renewing(new Set());
    expect(await http.call("GET", "/api/me")).toEqual({ ok: true });
  });

  it("uses what another tab has renewed meanwhile", async () => {
    const fresh = { accessToken: token("fresh", 900_000), refreshToken: "r9" };
    let http: Http;
    const lock = async <T>(fn: () => Promise<T>) => {
      http.adopt(fresh);
      return fn();
    };
    http = new Http("", { kind: "token", accessToken: token("old", 0), refreshToken: "r1" }, lock);
    answer = renewing(new Set([fresh.accessToken]));
    expect(await http.call("GET", "/api/me")).toEqual({ ok: true });
    expect(calls.map(({ path }) => path)).toEqual(["/api/me"]);
  });

  it("says in one way what went wrong", async () => {
    const http = new Http("https://chat.example", { kind: "cookie" });
    const cases = [
      [
        () => json(409, { code: "room_name_taken", message: "taken" }),
        { code: "room_name_taken", status: 409 },
      ],
      [() => new Response("<html>", { status: 502 }), { code: "unavailable", status: 502 }],
      [() => Promise.reject(new TypeError("network")), { code: "offline", status: undefined }],
    ] as const;
    for (const [give, expected] of cases) {
      answer = give;
      await expect(http.call("POST", "/api/rooms", {})).rejects.toMatchObject({
        name: "OortError",
        ...expected,
      });
    }
    answer = () => json(204, undefined);
    expect(await http.call("DELETE", "/api/sessions/current")).toBeUndefined();
  });

  it("sends with a cookie what a page of another origin cannot, and gets no tokens to see", async () => {
    const http = new Http("", { kind: "cookie" });
    const entered = vi.fn();
    const account = new Account(http, entered, async () => {});
    answer = () => json(200, { user: ANN });
    expect(await account.logIn({ login: "ann", password: "secret" })).toEqual(ANN);
    const [{ init }] = calls as [Call];
    expect(init).toMatchObject({ credentials: "include", headers: { "x-requested-with": "oort" } });
    expect(JSON.parse(String(init.body))).toEqual({ login: "ann", password: "secret", cookie: true });
    expect(entered).toHaveBeenCalledWith(null);
  });
});
