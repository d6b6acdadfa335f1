// The visible outbox: a card for each ride on this phone, with what would be sent and what became of it.
import { rowsOf } from "./outbox.js";
import { sketch } from "./sketch.js";
import { clock, duration, markName, number, say, span } from "./words.js";

const list = document.getElementById("trips");
const CHIPS = { riding: "sun", held: "sun", waiting: "", sending: "", received: "good" };

// Brings the list up to date. A card that somebody writes in, or whose ride did not change, is left alone.
export async function showTrips(trips, trimMetres, sendingNow) {
  const shown = trips.filter((trip) => trip.state !== "riding");
  for (const card of [...list.children]) if (!shown.some((trip) => trip.id === card.dataset.id)) card.remove();
  for (const [i, trip] of shown.entries()) {
    const state = trip.state === "waiting" && sendingNow ? "sending" : trip.state;
    const card = cardOf(trip.id);
    if (list.children[i] !== card) list.insertBefore(card, list.children[i] ?? null);
    const version = JSON.stringify([trip, state, trimMetres]);
    if (card.dataset.version === version) continue;
    card.dataset.version = version;
    await fill(card, trip, state, trimMetres);
  }
}

function cardOf(id) {
  const there = list.querySelector(`[data-id="${id}"]`);
  if (there) return there;
  const card = document.getElementById("trip").content.firstElementChild.cloneNode(true);
  card.dataset.id = id;
  return card;
}

async function fill(card, trip, state, trimMetres) {
  const at = (name) => card.querySelector(`[data-is="${name}"]`);
  const show = (name, isShown) => { at(name).hidden = !isShown; };
  const isOurs = trip.state !== "received", isHeld = trip.state === "held";
  at("when").textContent = span(trip.started, trip.ended);
  at("state").textContent = say(`state_${state}`);
  at("state").className = `chip ${CHIPS[state]}`;
  at("facts").textContent = trip.fixes ? say("facts", { metres: number(trip.metres / 1000, 1), fixes: number(trip.fixes), marks: number(trip.marks) }) : say("no_fixes");
  at("gaps").textContent = trip.gaps ? say("gaps", { gaps: number(trip.gaps), time: duration(trip.gap_s) }) : "";
  at("trim").textContent = trimMetres ? say("trim", { n: number(trimMetres) }) : say("no_trim");
  for (const name of ["trim", "choice", "said"]) show(name, isHeld);
  if (isHeld) fillHeld(card, trip);
  show("progress", trip.state === "waiting");
  Object.assign(at("progress"), { max: trip.total || 1, value: trip.sent || 0 });
  at("progress").setAttribute("aria-label", say("of", { sent: number(trip.sent || 0), total: number(trip.total || 0) }));
  show("receipt", !isOurs);
  at("receipt").firstElementChild.textContent = isOurs ? "" : say("received_at", { time: clock(trip.received), total: number(trip.total) });
  if (trip.worth) fillWorth(at("receipt"), trip.worth);
  for (const [action, states] of Object.entries({ send: "held waiting", resume: "held", gpx: "held waiting", delete: "held waiting", dismiss: "received" })) {
    card.querySelector(`[data-do="${action}"]`).hidden = !states.split(" ").includes(trip.state);
  }
  const rows = isOurs ? await rowsOf(trip.id) : [];
  card.querySelector(".glance").classList.toggle("bare", !isHeld);
  sketch(card.querySelector(".sketch"), isHeld ? rows.filter((row) => !row.kind) : [], trimMetres);
  fillMarks(card, isHeld ? rows.filter((row) => row.kind) : []);
}

function fillWorth(line, { receipt, points, why }) {
  line.firstElementChild.textContent += ` ${why || say("worth", { points: number(points, 1) })}`;
  line.querySelector("a").href = receipt;
}

function fillHeld(card, trip) {
  for (const field of card.querySelectorAll(".said input, .said select")) {
    if (field !== document.activeElement) field.value = trip[field.name] || "";
  }
}

function fillMarks(card, marks) {
  card.querySelector("details").hidden = !marks.length;
  card.querySelector('[data-is="n-marks"]').textContent = number(marks.length);
  card.querySelector("details ul").replaceChildren(...marks.map((mark) => {
    const row = document.getElementById("mark-row").content.firstElementChild.cloneNode(true);
    row.dataset.n = mark.n;
    const name = `${clock(mark.t)} ${markName(mark)}`;
    row.querySelector(".grow").textContent = name;
    row.querySelector("button").setAttribute("aria-label", `${row.querySelector("button").textContent}: ${name}`);
    return row;
  }));
}
