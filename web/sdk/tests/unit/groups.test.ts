import { beforeEach, describe, expect, it } from "vitest";
import { Account } from "../../src/account.js";
import { Groups } from "../../src/groups.js";
import type { Http } from "../../src/io/http.js";
import type { ConversationEntry } from "../../src/types.js";
import { ANN } from "../support/messages.js";

/** Notes what is asked, and answers with what is given. */
class FakeHttp {
  readonly auth = { kind: "cookie" } as const;
  calls: unknown[][] = [];
  answer: unknown;

  call = async (...call: unknown[]) => {
    this.calls.push(call);
    return this.answer;
  };

  callAsNobody = this.call;
}

let http: FakeHttp;

beforeEach(() => {
  http = new FakeHttp();
});

describe("groups", () => {
  const taken: unknown[] = [];
  const groups = () =>
    new Groups(http as unknown as Http, (answer) => {
      taken.push(answer);
      return { id: answer.id } as ConversationEntry;
    });

  it("are read without what is not so", async () => {
    http.answer = { id: "9", name: "tea", ownerId: null, silencedUntil: null, dissolvedAtMs: 5 };
    expect(await groups().get("9")).toEqual({ id: "9", name: "tea", dissolvedAtMs: 5 });
    const link = { id: "1", creator: ANN, createdAtMs: 3, uses: 0 };
    http.answer = { links: [{ ...link, usesMax: null, expiresAtMs: null }] };
    expect(await groups().links("9")).toEqual([link]);
    http.answer = { token: "t", link: { ...link, usesMax: 3, expiresAtMs: 7 } };
    const made = { token: "t", link: { ...link, usesMax: 3, expiresAtMs: 7 } };
    expect(await groups().makeLink("9", { usesMax: 3 })).toEqual(made);
  });

  it("are looked after by the calls that docs/groups.md has", async () => {
    const all = groups();
    await all.change("9", { name: "Tea", muteAll: true });
    await all.setRole("9", "3", "admin");
    await all.handOver("9", "3");
    await all.mute("9", "3", 77);
    await all.revokeLink("9", "1/2");
    await all.dissolve("9");
    http.answer = { id: "9" };
    expect(await all.join("abc")).toEqual({ id: "9" });
    expect(taken).toEqual([{ id: "9" }]);
    expect(http.calls).toEqual([
      ["PATCH", "/api/groups/9", { name: "Tea", muteAll: true }],
      ["PUT", "/api/groups/9/members/3/role", { role: "admin" }],
      ["POST", "/api/groups/9/owner", { userId: "3" }],
      ["PUT", "/api/groups/9/members/3/mute", { until: 77 }],
      ["DELETE", "/api/groups/9/links/1%2F2"],
      ["DELETE", "/api/groups/9"],
      ["POST", "/api/groups/join", { token: "abc" }],
    ]);
  });
});

describe("an account", () => {
  it("is changed, confirmed and left by the calls that docs/accounts.md has", async () => {
    let left = 0;
    const account = new Account(
      http as unknown as Http,
      () => {},
      async () => {
        left += 1;
      },
    );
    const profile = { nick: "Ann", avatar: "", sex: "", description: "" };
    http.answer = { user: ANN, profile, createdAtMs: 5, email: null, operator: false, expiresAtMs: 9 };
    expect(await account.info()).toEqual({ user: ANN, profile, createdAtMs: 5 });
    expect(await account.changeProfile({ nick: "Ann" })).toEqual({ user: ANN, profile, createdAtMs: 5 });
    http.answer = { expiresAtMs: 9, ended: 2 };
    expect(await account.askCode("reset", "ann@example.org")).toBe(9);
    expect(await account.endOtherSessions()).toBe(2);
    await account.resetPassword({ email: "ann@example.org", code: "123456", password: "new one" });
    await account.changePassword("old one", "new one");
    expect(left).toBe(0);
    await account.deactivate("new one");
    await account.delete("new one");
    expect(left).toBe(2);
    expect(http.calls).toEqual([
      ["GET", "/api/me"],
      ["PATCH", "/api/me", { nick: "Ann" }],
      ["POST", "/api/codes", { purpose: "reset", email: "ann@example.org" }],
      ["DELETE", "/api/sessions"],
      ["POST", "/api/password-resets", { email: "ann@example.org", code: "123456", password: "new one" }],
      ["PUT", "/api/me/password", { oldPassword: "old one", newPassword: "new one" }],
      ["POST", "/api/me/deactivation", { password: "new one" }],
      ["DELETE", "/api/me", { password: "new one" }],
    ]);
  });
});
