/** How a browser is started: the machine's own Chromium, as root or not, without talking to anybody else. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Without windows, which is quicker. */
export const launchOptions = { executablePath: process.env.OORT_CHROMIUM ?? "/usr/bin/chromium-headless-shell", args };

/** The whole browser: the other one shows no notifications. */
export const wholeBrowser = { executablePath: process.env.OORT_CHROMIUM_WHOLE ?? "/usr/bin/chromium", args };
