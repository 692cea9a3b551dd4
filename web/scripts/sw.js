// The service worker: opens the client without a network. What it keeps is listed when the client is built
// (scripts/service-worker.mjs); it never touches the server's answers, the SDK has its own cache of those.
const version = "__VERSION__";
const shell = __SHELL__;
const prefix = "oort-shell-";
const cacheName = prefix + version;
/** A page that does not come within this time is taken from the cache. */
const patienceMs = 3000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(cacheName).then((cache) => cache.addAll(shell.map((path) => new Request(path, { cache: "no-cache" })))),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((name) => name.startsWith(prefix) && name !== cacheName).map((name) => caches.delete(name)),
        ),
      )
      // The first visit already can be followed by one without a network.
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (/^\/(api|sub|push|goim|admin|mini)(\/|$)/.test(url.pathname)) return;
  if (request.mode === "navigate") event.respondWith(page(request, url));
  else if (shell.includes(url.pathname)) event.respondWith(file(request, url));
});

// Pages: the network first, so that a new version is seen at once.
async function page(request, url) {
  const fetched = fetch(request);
  // An answer that comes too late is nobody's failure.
  fetched.catch(() => {});
  try {
    return await Promise.race([fetched, late()]);
  } catch {
    const cache = await caches.open(cacheName);
    const path = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
    return (await cache.match(path)) ?? (await cache.match("/chat/")) ?? fetched;
  }
}

function late() {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("late")), patienceMs));
}

// Files of this version: their names say what is in them, so the cache is as good as the network.
async function file(request, url) {
  const cache = await caches.open(cacheName);
  return (await cache.match(url.pathname)) ?? fetch(request);
}

self.addEventListener("push", (event) => event.waitUntil(notify(event.data)));

// What the server says of a conversation while nothing here is connected; it may say no names and no text. Something has
// to be shown whatever came, or the browser says by itself that the page does something behind one's back.
async function notify(data) {
  let notice = {};
  try {
    notice = data?.json() ?? {};
  } catch {
    // Not the server's.
  }
  const text = (value) => (typeof value === "string" ? value.slice(0, 500) : "");
  const conversation = text(notice.conversationId);
  const isChinese = /^zh\b/i.test(self.navigator.language);
  const said = text(notice.text) || (notice.kind && notice.kind !== "text" ? `[${text(notice.kind)}]` : "");
  const body = said || (isChinese ? "新消息" : "New message");
  await self.registration.showNotification(text(notice.title) || "Oort", {
    body: notice.conversationKind === "group" && notice.sender ? `${text(notice.sender)}: ${body}` : body,
    tag: `oort-${conversation}`,
    renotify: true,
    icon: "/icons/icon-192.png",
    timestamp: Number(notice.atMs) || Date.now(),
    data: { conversation },
  });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const conversation = event.notification.data?.conversation ?? "";
  const address = /^\d{1,20}$/.test(conversation) ? `/chat/?c=${conversation}` : "/chat/";
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then(async ([window]) => {
      if (!window) return self.clients.openWindow(address);
      await window.focus();
      return window.navigate(address);
    }),
  );
});
