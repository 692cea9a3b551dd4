import type { Metadata } from "next";
import { Operator } from "./operator";

export const metadata: Metadata = { title: "Oort operations" };

export default function Page() {
  return <Operator />;
}
