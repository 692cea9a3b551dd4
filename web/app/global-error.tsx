"use client";

import { Logo } from "@/parts/logo";
import "./globals.css";

/** The last resort: the client itself failed. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <main className="flex h-dvh flex-col items-center justify-center gap-4 px-6 text-center">
          <Logo className="size-12 text-accent" />
          <h1 className="font-semibold text-lg">Something went wrong. 出错了。</h1>
          <a href="/" className="font-medium text-accent underline underline-offset-2">
            Reload 重新加载
          </a>
        </main>
      </body>
    </html>
  );
}
