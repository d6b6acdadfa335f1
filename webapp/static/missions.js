// Missions on the map and in the list: both in step, nearest first. Where somebody is never leaves the browser.
const box = document.getElementById("map");
const list = document.getElementById("missions");
const nearby = document.querySelector("[data-nearby]");
const more = document.getElementById("more");
let items = [...document.querySelectorAll("[data-mission]")];
const METRES_A_DEGREE = 111195;
const N_FIRST = 10;
const SUN = "#f6b73c";
const INK = "#1b2421";
let map = null;
let isPicking = false;

if (box) box.addEventListener("map-ready", (event) => { map = event.detail; draw(); if (nearby) nearby.querySelector("[data-pick]").disabled = false; });
if (nearby) offer();

function offer() {
  nearby.hidden = false;
  const pick = nearby.querySelector("[data-pick]");
  pick.disabled = true; // until there is a map to choose on
  nearby.querySelector("[data-here]").addEventListener("click", () => {
    if (!navigator.geolocation) return say(nearby.dataset.failed);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => order(coords.latitude, coords.longitude), () => say(nearby.dataset.failed), { timeout: 15000, maximumAge: 60000 });
  });
  pick.addEventListener("click", () => {
    isPicking = !isPicking;
    pick.setAttribute("aria-pressed", String(isPicking));
    if (map) map.getCanvas().style.cursor = isPicking ? "crosshair" : "";
    if (isPicking) box.scrollIntoView({ block: "nearest" });
  });
}

function say(text) { nearby.querySelector("[data-said]").textContent = text; }

async function order(lat, lon) {
  await fill();
  const rows = [...list.children, ...more.children].map((item) => ({ item, away: away(item, lat, lon) }));
  const nearest = new Map();
  for (const { item, away: metres } of rows) nearest.set(item.dataset.way, Math.min(metres, nearest.get(item.dataset.way) ?? Infinity));
  rows.sort((a, b) => nearest.get(a.item.dataset.way) - nearest.get(b.item.dataset.way) || a.item.dataset.way.localeCompare(b.item.dataset.way));
  list.replaceChildren(...rows.slice(0, N_FIRST).map(({ item }) => item));
  more.replaceChildren(...rows.slice(N_FIRST).map(({ item }) => item));
  for (const { item, away: metres } of rows) item.querySelector("[data-away]").textContent = ` · ${words(metres)}`;
  document.getElementById("list-title").textContent = nearby.dataset.title;
  say("");
  if (!map) return;
  map.getSource("me").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } });
  map.easeTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 12.5) });
}

async function fill() {
  // the page holds those worth most; what is near may be among the others
  if (!list.dataset.all) return;
  const page = new DOMParser().parseFromString(await (await fetch(list.dataset.all)).text(), "text/html");
  delete list.dataset.all;
  const rows = [...page.querySelectorAll("#missions > li, #more > li")].map((item) => document.importNode(item, true));
  list.replaceChildren(...rows);
  more.replaceChildren();
  more.parentElement.hidden = false;
  items = [...document.querySelectorAll("[data-mission]")];
  if (map) { map.getSource("missions").setData(points()); listen(); }
}

function away(item, lat, lon) {
  const scale = Math.cos((lat * Math.PI) / 180);
  return Math.min(...places(item).map(([y, x]) => Math.hypot(y - lat, (x - lon) * scale) * METRES_A_DEGREE));
}

function words(metres) {
  if (metres < 950) return nearby.dataset.m.replace("§", String(Math.round(metres / 50) * 50));
  return nearby.dataset.km.replace("§", (metres / 1000).toFixed(1));
}

function places(item) { return JSON.parse(item.dataset.places); }

function draw() {
  map.addSource("missions", { type: "geojson", data: points() });
  map.addSource("way", { type: "geojson", data: nothing() });
  map.addSource("me", { type: "geojson", data: nothing() });
  map.addLayer({ id: "way", type: "line", source: "way", layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": SUN, "line-width": 9, "line-opacity": 0.8 } }, "casing");
  map.addLayer({ id: "missions", type: "circle", source: "missions", paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 5, 15, 11], "circle-color": SUN, "circle-stroke-color": INK, "circle-stroke-width": 2 } });
  map.addLayer({ id: "me", type: "circle", source: "me", paint: { "circle-radius": 8, "circle-color": "#1747c9", "circle-stroke-color": "#ffffff", "circle-stroke-width": 3 } });
  map.on("click", (event) => {
    if (isPicking) return order(event.lngLat.lat, event.lngLat.lng);
    const [hit] = map.queryRenderedFeatures(event.point, { layers: ["missions"] });
    if (hit) choose(hit.properties.mission, true);
  });
  listen();
  const one = items.find((item) => "chosen" in item.dataset);
  if (one) { choose(one.dataset.mission, false); fit(places(one)); }
  box.dataset.missions = String(items.length);
}

function points() {
  const features = items.map((item) => ({ type: "Feature", properties: { mission: item.dataset.mission }, geometry: { type: "Point", coordinates: [...places(item)[0]].reverse() } }));
  return { type: "FeatureCollection", features };
}

function listen() {
  for (const item of items) {
    item.addEventListener("focusin", () => choose(item.dataset.mission, false));
    item.addEventListener("mouseenter", () => choose(item.dataset.mission, false));
  }
}

function choose(mission, doScroll) {
  for (const item of items) {
    const isIt = item.dataset.mission === mission;
    item.firstElementChild.classList.toggle("on", isIt);
    if (isIt) map.getSource("way").setData({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: places(item).map(([y, x]) => [x, y]) } });
    if (isIt && doScroll) item.scrollIntoView({ block: "nearest" });
  }
}

function fit(many) {
  const lats = many.map(([y]) => y);
  const lons = many.map(([, x]) => x);
  map.fitBounds([[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]], { padding: 60, maxZoom: 15, animate: false });
}

function nothing() { return { type: "FeatureCollection", features: [] }; }
