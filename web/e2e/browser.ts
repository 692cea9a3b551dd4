/** How the browser is started: the machine's own Chromium, as root or not, without talking to anybody else. */
export const launchOptions = {
  executablePath: process.env.OORT_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
