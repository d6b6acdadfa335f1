// Draws a ride as a line, its ends lighter where they will be cut off before anything is worked out.
import { distance } from "./tracker.js";

const SIZE = 100;
const MARGIN = 6;
const BREAK_S = 30;

export function sketch(svg, fixes, trimMetres) {
  svg.replaceChildren();
  if (fixes.length < 2) return;
  const first = fixes.findIndex((fix) => distance(fix, fixes[0]) > trimMetres);
  const last = fixes.findLastIndex((fix) => distance(fix, fixes.at(-1)) > trimMetres);
  const place = placing(fixes);
  add(svg, "cut", fixes, place);
  if (first >= 0 && last > first) add(svg, "kept", fixes.slice(first, last + 1), place);
}

function placing(fixes) {
  const lats = fixes.map((fix) => fix.lat);
  const squeeze = Math.cos(lats[0] * Math.PI / 180);
  const xs = fixes.map((fix) => fix.lon * squeeze);
  const [left, right] = range(xs), [low, high] = range(lats);
  const scale = (SIZE - 2 * MARGIN) / Math.max(right - left, high - low, 1e-6);
  const x0 = SIZE / 2 - (left + right) / 2 * scale, y0 = SIZE / 2 + (low + high) / 2 * scale;
  return (fix) => `${(x0 + fix.lon * squeeze * scale).toFixed(1)} ${(y0 - fix.lat * scale).toFixed(1)}`;
}

function range(values) { return values.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]); }

function add(svg, name, fixes, place) {
  const path = document.createElementNS(svg.namespaceURI, "path");
  const steps = fixes.map((fix, i) => (i && fix.t - fixes[i - 1].t <= BREAK_S * 1000 ? "L" : "M") + place(fix));
  path.setAttribute("class", name);
  path.setAttribute("d", steps.join(""));
  svg.append(path);
}
