// The recorder's page: who rides, starting and finishing, the outbox, and when it is sent.
import { saveGpx } from "./gpx.js";
import { add, approve, change, get, remove, removeMark, rowsOf, tripsOf, whenChanged } from "./outbox.js";
import { ride } from "./ride.js";
import { showTrips } from "./cards.js";
import { send, whoRides } from "./sender.js";
import { duration, say, span } from "./words.js";
import { askWorth } from "./worth.js";

const page = document.getElementById("recorder");
const urls = { page: page.dataset.page, rider: page.dataset.rider, send: page.dataset.send, worth: page.dataset.worth };
const part = (id) => document.getElementById(id);
const WEEK_MS = 7 * 86_400_000, FIRST_WAIT_S = 5, LONGEST_WAIT_S = 300, MEMORY = "recorder.rider", ASK = "recorder.ask.", CONSENT = "recorder.consent";
let rider = null, isKnown = false, isRiding = false, isSending = false, nFailed = 0, retry;

part("start").addEventListener("submit", (event) => { event.preventDefault(); start(event.target.elements); });
part("ask").addEventListener("change", () => localStorage.setItem(ASK + rider.key, part("ask").checked ? "1" : "0"));
page.addEventListener("click", (event) => act(event.target.closest("[data-do]")));
part("trips").addEventListener("change", (event) => change(idOf(event.target), { [event.target.name]: event.target.value.trim() }));
part("trips").addEventListener("submit", (event) => event.preventDefault());
addEventListener("online", () => { nFailed = 0; sendSoon(0); });
addEventListener("focus", () => learnRider().then(() => sendSoon(0)));
whenChanged(() => show());
begin().catch(() => note("full"));

async function begin() {
  keepPage();
  rider = remembered();
  await show();
  await learnRider();
  await forgetOld();
  if (rider) askWorth(urls.worth, rider.key);
  sendSoon(0);
}

async function forgetOld() {
  const old = rider ? (await tripsOf(rider.key)).filter((trip) => trip.received < Date.now() - WEEK_MS) : [];
  for (const trip of old) await remove(trip.id);
  await show();
}

// Without a network the phone knows by a cookie, which logging out takes away, whose trips it may show.
function remembered() {
  const kept = JSON.parse(localStorage.getItem(MEMORY) ?? "null");
  return kept && document.cookie.split("; ").includes(`recorder=${kept.key}`) ? kept : null;
}

async function learnRider() {
  try {
    const { key, trim_m, lang } = await whoRides(urls.rider);
    if (lang !== document.documentElement.lang && !isRiding && !location.search) location.search = `?lang=${lang}`; // chosen elsewhere
    rider = key ? { key, trim_m } : null;
    if (rider) localStorage.setItem(MEMORY, JSON.stringify(rider));
    else localStorage.removeItem(MEMORY);
  } catch {
    rider = remembered();
  }
  isKnown = true;
  await show();
}

async function show() {
  const trips = rider ? await tripsOf(rider.key) : [];
  const running = trips.find((trip) => trip.state === "riding");
  part("ready").hidden = isRiding;
  part("learning").hidden = isKnown || Boolean(rider);
  part("visitor").hidden = !isKnown || Boolean(rider); // nobody who has logged in is told to log in
  part("start").hidden = !rider || Boolean(running);
  part("unfinished").hidden = !running;
  if (running) part("unfinished").querySelector('[data-is="since"]').textContent = span(running.started, running.last?.t ?? running.started);
  const hasAgreed = rider && localStorage.getItem(CONSENT) === rider.key;
  part("consent").hidden = hasAgreed;
  part("ask").checked = !rider || localStorage.getItem(ASK + rider.key) !== "0";
  part("start").elements.consent.required = !hasAgreed;
  part("outbox").hidden = isRiding || !rider;
  await showTrips(trips, rider?.trim_m, isSending);
}

async function start(fields) {
  localStorage.setItem(CONSENT, rider.key);
  const trip = {
    id: newId(), rider: rider.key, state: "riding", started: Date.now(), ended: null, label: fields.label.value.trim(), mode: fields.mode.value,
    n: 0, fixes: 0, marks: 0, metres: 0, gaps: 0, gap_s: 0, last: null, anchor: null,
  };
  await add(trip);
  navigator.storage?.persist?.();
  fields.label.value = "";
  await record(trip.id);
}

// 128 random bits as a UUID; crypto.randomUUID is for https alone.
function newId() {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function record(id) {
  return alone(async () => {
    isRiding = true;
    part("sending").hidden = true;
    await show();
    await ride(id, tell);
    isRiding = false;
    await finish(id);
  });
}

// What must not happen to a ride that another tab is recording.
async function alone(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request("recorder-ride", { ifAvailable: true }, (lock) => lock ? work() : note("elsewhere"));
}

async function finish(id) {
  const trip = await change(id, { state: "held", ended: Date.now() });
  tell(say("stopped"));
  if (!part("ask").checked) await release(trip);
  await show();
  part("outbox").scrollIntoView();
  part("outbox-title").focus({ preventScroll: true });
}

async function release(trip) {
  await approve(trip.id, { label: trip.label, mode: trip.mode });
  askToBeWoken();
  sendSoon(0);
}

async function act(button) {
  const id = button && idOf(button);
  if (!button || isRiding) return;
  const running = rider && (await tripsOf(rider.key)).find((trip) => trip.state === "riding");
  const acts = {
    "go-on": () => record(running.id),
    finish: () => alone(() => finish(running.id)),
    send: () => get(id).then((trip) => trip.state === "held" ? release(trip) : sendSoon(0)),
    resume: () => change(id, { state: "riding", ended: null }).then(() => record(id)),
    gpx: async () => saveGpx(await get(id), await rowsOf(id)),
    delete: () => confirm(say("delete")) && remove(id),
    dismiss: () => remove(id),
    "remove-mark": () => removeMark(id, Number(button.closest("[data-n]").dataset.n)),
  };
  await acts[button.dataset.do]?.();
  await show();
  if (!button.isConnected) part("outbox-title").focus({ preventScroll: true });
}

function idOf(element) { return element.closest("[data-id]")?.dataset.id; }

function sendSoon(wait_s) {
  clearTimeout(retry);
  retry = setTimeout(sendNow, wait_s * 1000);
}

async function sendNow() {
  const hasWork = rider && (await tripsOf(rider.key)).some((trip) => trip.state === "waiting");
  if (!hasWork || isRiding) return;
  isSending = true;
  await show();
  const outcome = await send(urls);
  isSending = false;
  nFailed = outcome.state === "later" ? nFailed + 1 : 0;
  if (outcome.state === "later") waitAndRetry(outcome.wait_s);
  if (outcome.state === "done") note("all_sent");
  if (outcome.state === "done") askWorth(urls.worth, rider.key);
  if (outcome.state === "log_in") note("log_in");
  await (outcome.state === "log_in" ? learnRider() : show());
}

function waitAndRetry(asked_s) {
  const wait_s = asked_s ?? Math.min(FIRST_WAIT_S * 2 ** (nFailed - 1), LONGEST_WAIT_S) * (0.8 + 0.4 * Math.random());
  note(asked_s ? "wait" : "later", { time: duration(wait_s) });
  sendSoon(wait_s);
}

// Some browsers wake the worker when the network is back, also where the page was closed.
function askToBeWoken() { navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("recorder")).catch(() => {}); }

function note(name, values) {
  part("sending").hidden = false;
  part("sending").textContent = say(name, values);
}

function tell(sentence) { part("say").textContent = sentence; }

// The page and its files stay on the phone. Where the browser can wake the worker, it sends too.
async function keepPage() {
  const canSync = "SyncManager" in window;
  const address = page.dataset.worker + (canSync ? "&sync" : "");
  const options = { scope: urls.page, updateViaCache: "none", type: canSync ? "module" : "classic" };
  await navigator.serviceWorker?.register(address, options).catch(() => {}); // without it all but offline starts works
}
