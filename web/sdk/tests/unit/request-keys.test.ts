import { expect, test } from "vitest";
import { RequestKeys } from "../../src/core/request-keys.js";

/** Makes a request that gets its answer when told to; returns its key. */
function ask(keys: RequestKeys, content: unknown) {
  let key = "";
  let answer = { with: () => {}, lose: () => {} };
  const done = keys.under(
    content,
    (headers) =>
      new Promise<void>((resolve, reject) => {
        key = headers["idempotency-key"];
        answer = { with: resolve, lose: () => reject(new Error("offline")) };
      }),
  );
  return { key, answer, done };
}

test("who got no answer asks again under the same key", async () => {
  const keys = new RequestKeys();
  const first = ask(keys, ["tea"]);
  first.answer.lose();
  await expect(first.done).rejects.toThrow("offline");
  const again = ask(keys, ["tea"]);
  expect(again.key).toBe(first.key);
  const twice = ask(keys, ["tea"]);
  expect(twice.key).toBe(first.key);
  again.answer.with();
  await again.done;
  twice.answer.with();
  await twice.done;
  expect(ask(keys, ["tea"]).key).not.toBe(first.key);
});

test("another request is another key", () => {
  const keys = new RequestKeys();
  expect(ask(keys, ["tea"]).key).not.toBe(ask(keys, ["tea", "ann"]).key);
});
