// The map beside the list: draws the published network, keeps both in step. Nothing is loaded from elsewhere.
const box = document.getElementById("map");
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
const INK = isDark ? "#ecefe9" : "#1b2421";
const LAND = isDark ? "#182120" : "#fbf8f1";
const WATER = isDark ? "#0d1a20" : "#cfe0e4";
const GRID = isDark ? "#25302d" : "#e9e2d4";
const COLOURS = isDark
  ? ["#63ccb2", "#ff9c74", "#93b2ff", "#ff8fc8", "#e7bd4c", "#b9a8ff", "#77c8e8", "#b9cf6a"]
  : ["#0b5d4e", "#a3350f", "#26489f", "#8a1c5c", "#6a4d00", "#4b3a9b", "#1d5f7c", "#4a5a12"];
const DASHES = [[1], [3, 1.4], [1, 1.2]];
const COAST_UNTIL_ZOOM = 9; // a coast drawn for 1:50 million says nothing about a street

let library;

if (box) begin().catch(() => { box.textContent = box.dataset.failed; });

async function begin() {
  // where the phone is told to save data, nobody pays for a map that nobody asked for
  if (navigator.connection?.saveData) await asked();
  const [network, parts] = await Promise.all([fetch(box.dataset.network).then((answer) => answer.json()), import("./vendor/maplibre-gl.mjs")]);
  library = parts;
  draw(network);
}

function asked() {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = box.dataset.ask;
  const place = box.querySelector(".wait");
  const before = place.firstElementChild;
  before.replaceWith(button);
  return new Promise((go) => { button.addEventListener("click", () => { button.replaceWith(before); go(); }); });
}

function draw(network) {
  const { Map, NavigationControl, ScaleControl } = library;
  const bounds = boundsTold() || boundsOf(network.features.filter((one) => !box.dataset.route || one.properties.route_id === box.dataset.route));
  box.replaceChildren();
  const map = new Map({
    container: box, style: style(network), bounds, fitBoundsOptions: { padding: 40, maxZoom: 15 },
    attributionControl: false, locale: words(), maxZoom: 18, dragRotate: false, pitchWithRotate: false, touchPitch: false,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  map.on("load", () => { listen(map, network); addCoast(map); box.dispatchEvent(new CustomEvent("map-ready", { detail: map })); box.dataset.ready = "1"; });
  map.on("moveend", () => addCoast(map));
}

function words() {
  const say = box.dataset;
  return { "Map.Title": say.title, "NavigationControl.ZoomIn": say.zoomIn, "NavigationControl.ZoomOut": say.zoomOut, "Popup.Close": say.close };
}

function style(network) {
  const colour = ["match", ["%", ["get", "colour"], COLOURS.length], ...COLOURS.flatMap((one, nth) => [nth, one]), INK];
  const route = box.dataset.route;
  const isPattern = ["==", ["get", "kind"], "pattern"];
  const isNamed = route ? ["all", isPattern, ["==", ["get", "route_id"], route]] : isPattern;
  const isStop = route ? ["in", ["get", "stop_id"], ["literal", stopsOf(network, route)]] : ["==", ["get", "kind"], "stop"];
  const dashed = DASHES.map((dash, nth) => ({
    id: `route-${nth}`, type: "line", source: "network", layout: { "line-join": "round", "line-cap": nth ? "butt" : "round" },
    filter: ["all", ["==", ["get", "kind"], "pattern"], ["==", ["%", ["floor", ["/", ["get", "colour"], COLOURS.length]], DASHES.length], nth]],
    paint: { "line-color": colour, "line-width": width(1), "line-opacity": faint(), ...(nth ? { "line-dasharray": dash } : {}) },
  }));
  return {
    version: 8,
    sources: {
      land: { type: "geojson", data: nothing() },
      grid: { type: "geojson", data: grid(boundsTold() || boundsOf(network.features)) },
      network: { type: "geojson", data: network },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": ["interpolate", ["linear"], ["zoom"], COAST_UNTIL_ZOOM - 2, WATER, COAST_UNTIL_ZOOM, LAND] } },
      { id: "land", type: "fill", source: "land", maxzoom: COAST_UNTIL_ZOOM, paint: { "fill-color": LAND } },
      { id: "grid", type: "line", source: "grid", minzoom: COAST_UNTIL_ZOOM, paint: { "line-color": GRID, "line-width": 1 } },
      { id: "chosen", type: "line", source: "network", filter: ["==", ["get", "route_id"], box.dataset.route || "\u0000"], layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": "#f6b73c", "line-width": width(3), "line-opacity": 0.75 } },
      { id: "casing", type: "line", source: "network", filter: ["==", ["get", "kind"], "pattern"], layout: { "line-join": "round" }, paint: { "line-color": LAND, "line-width": width(1.7) } },
      ...dashed,
      { id: "stops", type: "circle", source: "network", minzoom: 10.5, filter: isStop, paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 10.5, 1.5, 16, 7], "circle-color": LAND, "circle-stroke-color": INK, "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 10.5, 1, 16, 2.5], "circle-stroke-opacity": ["case", ["<", ["get", "confidence"], 0.5], 0.45, 1] } },
      { id: "names", type: "symbol", source: "network", filter: isNamed, layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-size": 13, "symbol-spacing": 260, "text-padding": 12 }, paint: { "text-color": colour, "text-halo-color": LAND, "text-halo-width": 2.2 } },
      { id: "stop-names", type: "symbol", source: "network", minzoom: 14, filter: isStop, layout: { "text-field": ["get", "name"], "text-size": 12, "text-anchor": "left", "text-offset": [0.9, 0], "text-optional": true }, paint: { "text-color": INK, "text-halo-color": LAND, "text-halo-width": 1.8 } },
    ],
  };
}

function stopsOf(network, route) {
  return network.features.filter((one) => one.properties.route_id === route).flatMap((one) => one.properties.stop_ids);
}

function width(times) { return ["interpolate", ["linear"], ["zoom"], 9, 2 * times, 16, 6 * times]; }

function faint() { return box.dataset.route ? ["case", ["==", ["get", "route_id"], box.dataset.route], 1, 0.22] : 1; }

function listen(map, network) {
  const lines = DASHES.map((_, nth) => `route-${nth}`);
  const popup = new library.Popup({ closeButton: true, maxWidth: "16rem" });
  for (const layer of [...lines, "stops"]) {
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
  map.on("click", (event) => {
    const [hit] = map.queryRenderedFeatures(around(event.point), { layers: ["stops", ...lines] });
    if (!hit) return;
    if (hit.properties.kind === "stop") {
      const text = document.createElement("strong");
      text.textContent = hit.properties.name;
      text.style.color = "#1b2421";
      popup.setLngLat(hit.geometry.coordinates).setDOMContent(text).addTo(map);
    } else choose(hit.properties.route_id, true);
  });
  for (const button of document.querySelectorAll("[data-show]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      choose(button.dataset.show, false);
      map.fitBounds(boundsOf(network.features.filter((one) => one.properties.route_id === button.dataset.show)), { padding: 50, maxZoom: 15 });
    });
  }
  for (const item of document.querySelectorAll("[data-id]")) {
    item.addEventListener("focusin", () => choose(item.dataset.id, false));
    item.addEventListener("mouseenter", () => choose(item.dataset.id, false));
  }
  function choose(routeId, doScroll) {
    map.setFilter("chosen", ["==", ["get", "route_id"], routeId]);
    for (const item of document.querySelectorAll("[data-id]")) {
      const isIt = item.dataset.id === routeId;
      item.classList.toggle("on", isIt);
      if (isIt && doScroll) item.scrollIntoView({ block: "nearest" });
    }
  }
}

function around(point) { return [[point.x - 8, point.y - 8], [point.x + 8, point.y + 8]]; }

async function addCoast(map) {
  if (map.getZoom() >= COAST_UNTIL_ZOOM || map.hasCoast) return;
  map.hasCoast = true;
  await import("./vendor/topojson-client.min.js");
  const land = await (await fetch(box.dataset.land)).json();
  map.getSource("land").setData(globalThis.topojson.feature(land, land.objects.land));
}

function boundsOf(features) {
  const points = features.flatMap((one) => (one.geometry.type === "Point" ? [one.geometry.coordinates] : one.geometry.coordinates));
  const lons = points.map((point) => point[0]);
  const lats = points.map((point) => point[1]);
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  return points.length ? [[least(lons), least(lats)], [most(lons), most(lats)]] : [[-99.3, 19.2], [-98.9, 19.6]];
}

function boundsTold() {
  const [south, west, north, east] = (box.dataset.bounds || "").split(",").map(Number);
  return Number.isFinite(east) ? [[west, south], [east, north]] : null;
}

function grid([[west, south], [east, north]]) {
  // one kilometre a square, so that an empty map still says how far things are
  const stepLat = 1 / 110.6;
  const stepLon = stepLat / Math.cos((((south + north) / 2) * Math.PI) / 180);
  const room = Math.max(east - west, north - south, 0.1);
  const [w, e, s, n] = [west - room, east + room, south - room, north + room];
  const lines = [];
  if (room < 2) {
    for (let x = Math.ceil(w / stepLon) * stepLon; x < e; x += stepLon) lines.push([[x, s], [x, n]]);
    for (let y = Math.ceil(s / stepLat) * stepLat; y < n; y += stepLat) lines.push([[w, y], [e, y]]);
  }
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: lines } };
}

function nothing() { return { type: "FeatureCollection", features: [] }; }
