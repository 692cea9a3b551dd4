import { expect, test } from "vitest";
import { invitationAddress, invitationOf } from "./invitation";

test("an address leads to its token, and no other does", () => {
  const address = new URL(invitationAddress("https://chat.example", "a_B-3456789"));
  expect(address.pathname).toBe("/join/");
  expect(invitationOf(address.hash)).toBe("a_B-3456789");
  for (const hash of ["", "#", "#short", "#<script>alert(1)</script>", "#%E0%A4%A", `#${"a".repeat(300)}`])
    expect(invitationOf(hash)).toBeNull();
});
