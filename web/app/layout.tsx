import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import "./globals.css";

export const metadata: Metadata = {
  title: "Oort",
  description: "Chat that loses nothing.",
  applicationName: "Oort",
  manifest: "/app.webmanifest",
  appleWebApp: { capable: true, title: "Oort", statusBarStyle: "default" },
  icons: {
    icon: [{ url: "/icons/icon.svg", type: "image/svg+xml" }],
    apple: "/icons/apple-touch.png",
  },
  formatDetection: { telephone: false, email: false, address: false },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  viewportFit: "cover",
  interactiveWidget: "resizes-content",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f4f6f7" },
    { media: "(prefers-color-scheme: dark)", color: "#0e1113" },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    // boot.js may have put language and theme here before React looks.
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* It must run before the first paint; it has half a kilobyte. */}
        <script src="/boot.js" />
      </head>
      <body>{children}</body>
    </html>
  );
}
