import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants";

/** The server that `npm run dev` talks to. It must allow the page's origin: `comet.origins.allowed`. */
const server = process.env.OORT_SERVER ?? "http://127.0.0.1:8080";

/** Screens without a server. */
const fake: Record<string, string> = process.env.OORT_FAKE ? { "@oort/sdk": "./fake/sdk.ts" } : {};

export default function config(phase: string): NextConfig {
  const common: NextConfig = {
    trailingSlash: true,
    images: { unoptimized: true },
    poweredByHeader: false,
    reactStrictMode: true,
    turbopack: {
      resolveAlias: {
        // Messages are compiled before (scripts/words.mjs): no parser.
        "use-intl/format-message": "use-intl/format-message/format-only",
        ...fake,
      },
    },
  };
  if (phase === PHASE_DEVELOPMENT_SERVER) {
    return {
      ...common,
      skipTrailingSlashRedirect: true,
      rewrites: async () => [{ source: "/api/:path*", destination: `${server}/api/:path*` }],
    };
  }
  return { ...common, output: "export" };
}
