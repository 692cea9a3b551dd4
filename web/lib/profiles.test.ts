import { beforeEach, expect, test } from "vitest";
import type { Profile } from "./oort";
import { Profiles } from "./profiles";

const named = (nick: string): Profile => ({ nick, avatar: "", sex: "", description: "" });
const settled = () => new Promise((resolve) => setTimeout(resolve));

let asked: string[];
let answers: Map<string, (profile: Profile | null) => void>;
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
        answers.set(id, (profile) => (profile ? resolve(profile) : reject(new Error("gone"))));
      }),
    () => nowMs,
  );
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
