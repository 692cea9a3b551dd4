import { expect, test, vi } from "vitest";
import { Outgoing } from "./outgoing";
import { Outgoings } from "./outgoings";
import { Tray } from "./tray";

const make = () => {
  const tray = new Tray({
    upload: () => new Promise(() => {}),
    remove: async () => {},
    look: async () => ({}),
  });
  const refuse = () => {
    throw new Error("full");
  };
  return new Outgoing(tray, refuse, () => {});
};

test("the page is held as long as files wait in any conversation", () => {
  const hold = vi.fn();
  const outgoings = new Outgoings(hold);
  const [one, two] = [outgoings.of("1", make), outgoings.of("2", make)];
  // Nothing was in it: it is another one now.
  const again = outgoings.of("1", make);
  expect(again).not.toBe(one);
  again.tray.add([new File(["1"], "a")]);
  expect(hold).toHaveBeenLastCalledWith(true);
  expect(outgoings.of("3", make)).not.toBe(two);
  expect(outgoings.of("1", make)).toBe(again);
  expect(hold).toHaveBeenLastCalledWith(true);
  again.tray.discard(again.tray.get()[0]?.key ?? "");
  expect(hold).toHaveBeenLastCalledWith(false);
});

test("what was refused is kept until its writer comes back", () => {
  const outgoings = new Outgoings(() => {});
  const one = outgoings.of("1", make);
  one.send({ content: "Hello" });
  outgoings.of("2", make);
  expect(outgoings.of("1", make).get().error).toEqual(new Error("full"));
});
