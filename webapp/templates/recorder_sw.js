// Keeps the recorder's page and its files for hours without a network; answers of the server are never kept.
{% if has_sync %}
import { send } from {{ url_for("static", filename="recorder/sender.js", v=none) | tojson }};
{% endif %}
const NAME = "recorder-" + {{ version | tojson }};
const PAGE = {{ urls.page | tojson }};
const PAGE_AS_KEPT = PAGE + "?lang=" + {{ lang | tojson }};
const FILES = {{ files | tojson }};

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (FILES.includes(url.pathname + url.search)) event.respondWith(kept(event.request));
  if (event.request.mode !== "navigate" || url.pathname !== PAGE) return;
  const isOurs = !url.search || url.href.endsWith(PAGE_AS_KEPT);
  event.respondWith(isOurs ? kept(event.request, PAGE_AS_KEPT) : fetch(event.request).catch(() => kept(event.request, PAGE_AS_KEPT)));
});

async function keep() {
  const cache = await caches.open(NAME);
  const asVisitor = { cache: "reload", credentials: "omit" };
  await cache.addAll([PAGE_AS_KEPT, ...FILES].map((path) => new Request(path, asVisitor)));
  await self.skipWaiting();
}

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("recorder-") && name !== NAME) await caches.delete(name);
  }
  await self.clients.claim();
}

async function kept(request, name = request) {
  const cache = await caches.open(NAME);
  return await cache.match(name) ?? fetch(request);
}
{% if has_sync %}

self.addEventListener("sync", (event) => event.waitUntil(sendOrWait()));

async function sendOrWait() {
  const outcome = await send({{ urls | tojson }}, true);
  if (outcome.state === "later") throw new Error("later"); // the browser wakes us again
}
{% endif %}
