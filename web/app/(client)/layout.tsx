import type { ReactNode } from "react";
import { App } from "@/client/app";

/** One application for all addresses below: it looks at the address itself, so that going about asks the server for nothing. */
export default function ClientLayout({ children }: { children: ReactNode }) {
  return (
    <>
      <App />
      <noscript>
        <p>Oort needs JavaScript. 需要启用 JavaScript。</p>
      </noscript>
      {children}
    </>
  );
}
