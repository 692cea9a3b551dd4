import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Profile } from "./oort";
import { Profiles } from "./profiles";

const named = (nick: string): Profile => ({ nick, avatar: "", sex: "", description: "" });
const settled = () => new Promise((resolve) => setTimeout(resolve));

let asked: string[];
let answers: Map<string, (profile: Profile | null, code?: string) => void>;
let nowMs: number;
let profiles: Profiles;

beforeEach(() => {
  asked = [];
  answers = new Map();
  nowMs = 0;
  profiles = new Profiles(
    (id) =>
      new Promise((resolve, reject) => {
        asked.push(id);
        answers.set(id, (profile, code = "not_found") => (profile ? resolve(profile) : reject({ code })));
      }),
    () => nowMs,
  );
});

afterEach(() => {
  vi.useRealTimers();
});

test("each is asked for once, whoever wants it, and a few at a time", async () => {
  for (const id of ["1", "2", "3", "4", "1"]) profiles.of(id).subscribe(() => {});
  expect(asked).toEqual(["1", "2", "3"]);
  answers.get("2")?.(named("Bobby"));
  await settled();
  expect(asked).toEqual(["1", "2", "3", "4"]);
  expect(profiles.of("2").get()?.nick).toBe("Bobby");
});

test("what nobody looks at any more is not asked for", async () => {
  for (const id of ["1", "2", "3"]) profiles.of(id).subscribe(() => {});
  profiles.of("4").subscribe(() => {})();
  profiles.of("5").subscribe(() => {});
  answers.get("1")?.(named("One"));
  await settled();
  expect(asked).toEqual(["1", "2", "3", "5"]);
  // Wanted again, it is.
  answers.get("2")?.(named("Two"));
  await settled();
  profiles.of("4").subscribe(() => {});
  expect(asked.at(-1)).toBe("4");
});

test("who is gone shows nothing, and is asked for again after a while", async () => {
  profiles.of("1").subscribe(() => {});
  answers.get("1")?.(null);
  await settled();
  profiles.of("1").subscribe(() => {});
  expect(profiles.of("1").get()).toBeNull();
  expect(asked).toEqual(["1"]);
  nowMs = 11 * 60_000;
  profiles.of("1").subscribe(() => {});
  expect(asked).toEqual(["1", "1"]);
});

test("one whose ask failed is asked for again soon, then more and more seldom", async () => {
  vi.useFakeTimers();
  const pass = async (ms: number) => {
    nowMs += ms;
    await vi.advanceTimersByTimeAsync(ms);
  };
  const fail = async () => {
    answers.get("1")?.(null, "offline");
    await pass(0);
  };
  const end = profiles.of("1").subscribe(() => {});
  await fail();
  await pass(1999);
  expect(asked).toHaveLength(1);
  await pass(1);
  expect(asked).toHaveLength(2);
  await fail();
  await pass(2000);
  expect(asked).toHaveLength(2);
  await pass(2000);
  expect(asked).toHaveLength(3);
  // Nobody looks any more: not before somebody does again.
  end();
  await fail();
  await pass(60_000);
  expect(asked).toHaveLength(3);
  profiles.of("1").subscribe(() => {});
  expect(asked).toHaveLength(4);
  for (let n = 0; n < 12; n++) {
    await fail();
    await pass(10 * 60_000);
  }
  expect(asked).toHaveLength(16);
  answers.get("1")?.(named("One"));
  await pass(5 * 60_000);
  expect(asked).toHaveLength(16);
  expect(profiles.of("1").get()?.nick).toBe("One");
});

test("only the newest are kept, and all that is drawn", async () => {
  let told = 0;
  profiles.of("drawn").subscribe(() => {
    told += 1;
  });
  for (let n = 0; n < 600; n++) profiles.put(`${n}`, named(`${n}`));
  expect(profiles.of("599").get()?.nick).toBe("599");
  expect(profiles.of("0").get()).toBeNull();
  profiles.put("drawn", named("Still here"));
  expect(told).toBe(1);
});
