// Answers where Liqwatch cannot be reached: the page and its parts as they were loaded, data as it was last seen.

const SHELL = "liqwatch-page";
const DATA = "liqwatch-data";
const PART = /(?:src|href)="(\/(?:static|vendor)\/[^"]+)"|from\s"([^"]+)"|import\("([^"]+)"\)|url\("([^"]+)"\)/g;

self.addEventListener("install", (event) => event.waitUntil(load().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** Fetch the page and whatever it names, and forget what older versions named. */
async function load() {
  const shelf = await caches.open(SHELL);
  const wanted = ["/"];
  const done = new Set();
  while (wanted.length) {
    const batch = wanted.splice(0).filter((path) => !done.has(path));
    await Promise.all(batch.map(async (path) => {
      done.add(path);
      const answer = await fetch(path);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      await shelf.put(path, answer.clone());
      if (/html|javascript|css/.test(answer.headers.get("Content-Type"))) wanted.push(...named(await answer.text(), path));
    }));
  }
  for (const request of await shelf.keys()) if (!done.has(new URL(request.url).pathname)) await shelf.delete(request);
}

/** Return the addresses that a text names. */
function named(text, path) {
  const at = new URL(path, location.href);
  return [...text.matchAll(PART)].map((match) => new URL(match.slice(1).find(Boolean), at))
    .filter((url) => url.origin === location.origin).map((url) => url.pathname);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (/^\/(static|vendor)\/@/.test(url.pathname)) event.respondWith(kept(request));
  else if (request.mode === "navigate" && url.pathname === "/") event.respondWith(fresh(request));
  else if (/^\/(api|zones|liquidations)\b/.test(url.pathname)) event.respondWith(freshData(request));
});

/** What names its version never changes: from the shelf, else from the network. */
async function kept(request) {
  return (await caches.match(request, { cacheName: SHELL, ignoreVary: true })) ?? fetch(request);
}

/** The page itself: the newest where it can be had; a newer one renews the shelf. */
async function fresh(request) {
  const shelf = await caches.open(SHELL);
  const before = await shelf.match("/");
  try {
    const answer = await fetch(request);
    const newer = answer.ok && !answer.redirected && answer.headers.get("ETag") !== before?.headers.get("ETag");
    if (newer) load().catch(() => {});
    return answer;
  } catch (error) {
    if (before) return before;
    throw error;
  }
}

async function freshData(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const answer = await caches.match(request, { cacheName: DATA, ignoreVary: true });
    if (answer) return answer;
    throw error;
  }
}
