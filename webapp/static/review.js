// Reviews by keyboard, and the two ridden parts on one map. Without it all of it works as links and forms.
const box = document.getElementById("map");
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
const LAND = isDark ? "#182120" : "#fbf8f1";
const GRID = isDark ? "#25302d" : "#e9e2d4";
const THIS = isDark ? "#ff9c74" : "#a3350f";
const OTHER = isDark ? "#63ccb2" : "#0b5d4e";

document.addEventListener("keydown", onKey);
if (box) draw().catch(() => { box.textContent = box.dataset.failed; });

function onKey(event) {
  const isWriting = event.target.matches("input:not([type=radio]), textarea, select");
  if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { j: () => go("j", 1), k: () => go("k", -1), a: () => choose("a"), r: () => choose("r"), z: takeBack, "?": help }[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

function go(key, step) {
  const link = document.querySelector(`[data-key="${key}"]`);
  if (link) { link.click(); return; }
  const items = [...document.querySelectorAll("[data-item]")];
  const here = items.indexOf(document.activeElement);
  items[here < 0 ? 0 : Math.min(items.length - 1, Math.max(0, here + step))]?.focus();
}

function choose(letter) {
  const form = document.querySelector(`[data-verdict="${letter}"]`);
  form?.querySelector("input[type=radio]:checked")?.focus();
}

function takeBack() { document.querySelector("[data-undo]")?.requestSubmit(); }

function help() {
  const keys = document.getElementById("keys");
  keys.open = !keys.open;
  if (keys.open) keys.querySelector("summary").focus();
}

async function draw() {
  const { Map, NavigationControl, ScaleControl } = await import("./vendor/maplibre-gl.mjs");
  const rides = await (await fetch(box.dataset.rides)).json();
  const points = rides.features.flatMap((one) => one.geometry.coordinates);
  const [lons, lats] = [points.map((one) => one[0]), points.map((one) => one[1])];
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  const bounds = [[least(lons), least(lats)], [most(lons), most(lats)]];
  box.replaceChildren();
  const say = box.dataset;
  const map = new Map({
    container: box, style: style(rides, bounds), bounds, fitBoundsOptions: { padding: 30, maxZoom: 16 },
    attributionControl: false, maxZoom: 20, dragRotate: false, pitchWithRotate: false, touchPitch: false,
    locale: { "Map.Title": say.title, "NavigationControl.ZoomIn": say.zoomIn, "NavigationControl.ZoomOut": say.zoomOut },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  map.on("load", () => { box.dataset.ready = "1"; });
}

function style(rides, bounds) {
  const line = (id, which, colour, width, more) => ({
    id, type: "line", source: "rides", filter: ["==", ["get", "which"], which],
    layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": colour, "line-width": width, ...more },
  });
  return {
    version: 8,
    sources: { rides: { type: "geojson", data: rides }, grid: { type: "geojson", data: grid(bounds) } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": LAND } },
      { id: "grid", type: "line", source: "grid", paint: { "line-color": GRID, "line-width": 1 } },
      line("other", "other", OTHER, 7, { "line-opacity": 0.5 }),
      line("this", "this", THIS, 2.5, {}),
    ],
  };
}

function grid([[west, south], [east, north]]) {
  // a kilometre a square: there is no street below, and one must know how far things are
  const stepLat = 1 / 110.6;
  const stepLon = stepLat / Math.cos((((south + north) / 2) * Math.PI) / 180);
  const room = Math.max(east - west, north - south, 0.05);
  const lines = [];
  if (room < 2) {
    for (let x = Math.ceil((west - room) / stepLon) * stepLon; x < east + room; x += stepLon) lines.push([[x, south - room], [x, north + room]]);
    for (let y = Math.ceil((south - room) / stepLat) * stepLat; y < north + room; y += stepLat) lines.push([[west - room, y], [east + room, y]]);
  }
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: lines } };
}
