// Keep the page and what it last showed, so that it opens without a network too.

import { heatmapPath, zonesPath } from "./state.js";
import { KEPT } from "./fetch.js";

const EVERY_MS = 5 * 60_000;
const SHELF = "liqwatch-data";
const MOST = 24; // answers that are kept, the newest

/** Install the worker that answers where Liqwatch cannot be reached, and keep the newest data for it. */
export async function startOffline(app) {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  try {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
  } catch {
    return; // a private window may refuse: then the page needs its server
  }
  app.page.kept = 0;
  let last = 0;
  const keep = async (force) => {
    if (app.page.state !== "live" || (!force && performance.now() - last < EVERY_MS)) return;
    last = performance.now();
    const shelf = await caches.open(SHELF);
    const paths = ["/api/symbols", zonesPath(app.state.now), heatmapPath(app.state.now)];
    await Promise.all(paths.map((path) => keepOne(shelf, path).catch(() => {})));
    const held = await shelf.keys();
    await Promise.all(held.slice(0, -MOST).map((request) => shelf.delete(request)));
    app.page.kept += 1;
  };
  app.addEventListener("frame", () => keep(true));
  app.addEventListener("zones", () => keep(false));
  keep(true);
}

async function keepOne(shelf, path) {
  const answer = await fetch(path);
  if (!answer.ok || answer.headers.has(KEPT)) return;
  const headers = new Headers(answer.headers);
  headers.set(KEPT, "1");
  headers.delete("Content-Encoding");
  await shelf.put(path, new Response(await answer.arrayBuffer(), { headers }));
}
