import type { Metadata } from "next";
import { Operator } from "./operator";

// Until the language of the reader is known.
export const metadata: Metadata = { title: "Oort operations" };

export default function Page() {
  return <Operator />;
}
