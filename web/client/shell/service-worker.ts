"use client";

/** From the second visit on the client opens without a network. Not while developing: it would serve what was before. */
export function registerServiceWorker(): void {
  if (process.env.NODE_ENV !== "production" || !("serviceWorker" in navigator)) return;
  // Forbidden, or the page is not served safely: then it works online only.
  navigator.serviceWorker.register("/sw.js").catch(() => {});
}
