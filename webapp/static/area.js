// The area of a campaign on the map: corners to drag or to move by arrow keys, in step with the typed field.
// Without it the field alone is the form.
import { Marker } from "./vendor/maplibre-gl.mjs";

const box = document.getElementById("map");
const field = document.getElementById("area");
const inside = document.getElementById("inside");
const tools = document.querySelectorAll("[data-area-tools]");
const CORNERS = { sw: [0, 1], nw: [2, 1], ne: [2, 3], se: [0, 3] }; // places of its latitude and longitude
const LIMITS = [[-90, 90], [-180, 180]];
const DIGITS = 4; // ten metres
const LEAST_DEG = 0.001;
const STEP_PX = 10;
const REST_MS = 400;
const SUN = "#f6b73c";
const INK = "#1b2421";
let map = null;
let timer = 0;
let markers = {};
let isMarked = false;

box.addEventListener("map-ready", (event) => { map = event.detail; begin(); });
field.addEventListener("input", () => { show(); ask(); });
field.addEventListener("change", fit);

function begin() {
  map.addSource("area", { type: "geojson", data: nothing() });
  map.addLayer({ id: "area", type: "fill", source: "area", paint: { "fill-color": SUN, "fill-opacity": 0.25 } });
  map.addLayer({ id: "area-edge", type: "line", source: "area", paint: { "line-color": INK, "line-width": 2 } });
  markers = Object.fromEntries(Object.keys(CORNERS).map((name) => [name, corner(name)]));
  const [bar] = tools;
  bar.querySelector("[data-mark]").addEventListener("click", mark);
  bar.querySelector("[data-fit]").addEventListener("click", fit);
  bar.querySelector("[data-everywhere]").addEventListener("click", () => write(null));
  for (const one of tools) one.hidden = false;
  show();
  box.dataset.area = "1";
}

function corner(name) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "corner";
  element.setAttribute("aria-label", tools[0].dataset[name]);
  const marker = new Marker({ element, draggable: true }).setLngLat([0, 0]);
  marker.on("drag", () => { const at = marker.getLngLat(); move(name, at.lat, at.lng); });
  element.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const far = STEP_PX * (event.shiftKey ? 5 : 1);
    const { x, y } = map.project(marker.getLngLat());
    const at = map.unproject([x + way[0] * far, y + way[1] * far]);
    move(name, at.lat, at.lng);
  });
  return marker;
}

function move(name, lat, lng) {
  const area = read();
  if (!area) return;
  for (const [axis, value] of [[0, lat], [1, lng]]) {
    const place = CORNERS[name][axis];
    const other = area[(place + 2) % 4];
    const kept = place < 2 ? Math.min(value, other - LEAST_DEG) : Math.max(value, other + LEAST_DEG);
    area[place] = Math.min(Math.max(kept, LIMITS[axis][0]), LIMITS[axis][1]);
  }
  write(area);
}

function mark() {
  // the middle of what is seen, so that its corners can be taken hold of
  const seen = map.getBounds();
  const [south, west, north, east] = [seen.getSouth(), seen.getWest(), seen.getNorth(), seen.getEast()];
  const [high, wide] = [(north - south) / 8, (east - west) / 8];
  write([south + high, west + wide, north - high, east - wide]);
}

function read() {
  const told = field.value.split(",").map((one) => (one.trim() ? Number(one) : NaN));
  if (told.length !== 4 || !told.every(Number.isFinite)) return null;
  const [south, west, north, east] = told;
  const isOnEarth = south >= -90 && north <= 90 && west >= -180 && east <= 180;
  return isOnEarth && south < north && west < east ? told : null;
}

function write(area) {
  field.value = area ? area.map((one) => one.toFixed(DIGITS)).join(",") : "";
  show();
  ask();
}

function show() {
  if (!map) return;
  const area = read();
  const at = (name) => CORNERS[name].map((place) => area[place]).reverse();
  for (const [name, marker] of Object.entries(markers)) {
    if (area) marker.setLngLat(at(name));
    if (Boolean(area) === isMarked) continue; // to add it again would drop it in the middle of a drag
    if (area) marker.addTo(map); else marker.remove();
  }
  isMarked = Boolean(area);
  const ring = area ? [...Object.keys(CORNERS), "sw"].map(at) : null;
  map.getSource("area").setData(ring ? { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } } : nothing());
}

function fit() {
  const area = read();
  if (!map || !area) return;
  const [south, west, north, east] = area;
  map.fitBounds([[west, south], [east, north]], { padding: 50, maxZoom: 15, animate: false });
}

function ask() {
  clearTimeout(timer);
  timer = setTimeout(tell, REST_MS);
}

async function tell() {
  const told = new URLSearchParams({ area: field.value });
  if (inside.querySelector("[name=new_ground]:checked")) told.set("new_ground", "1");
  const answer = await fetch(`${inside.dataset.from}?${told}`).catch(() => null);
  if (!answer?.ok || told.get("area") !== field.value) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  inside.replaceChildren(...page.body.childNodes);
}

function nothing() { return { type: "FeatureCollection", features: [] }; }
