// Sends what the rider released, batch by batch: in the same order each time, so that a repetition is one.
import { rest, restUntil, rowsOf, settle, tripsOf } from "./outbox.js";

const BATCH = 200;
const PATIENCE_MS = 30_000;

// Sends every trip that waits, of the account that is logged in. What comes back: { state } of "done",
// "log_in", "busy" (another tab sends, and `isPatient` is false) or "later", with `wait_s` where the server named a time.
export async function send(urls, isPatient = false) {
  const wait_s = (await restUntil() - Date.now()) / 1000;
  if (wait_s > 0) return { state: "later", wait_s };
  if (!navigator.locks) return sendAll(urls);
  return navigator.locks.request("recorder-send", { ifAvailable: !isPatient }, (lock) => lock ? sendAll(urls) : { state: "busy" });
}

// Who is logged in: { key, csrf, trim_m }, key null for nobody. Fails without a network.
export async function whoRides(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Later(answer);
  return answer.json();
}

async function sendAll(urls) {
  try {
    const rider = await whoRides(urls.rider);
    if (!rider.key) return { state: "log_in" };
    for (const trip of await tripsOf(rider.key)) {
      if (trip.state === "waiting") await sendTrip(urls.send, rider.csrf, trip.id);
    }
    return { state: "done" };
  } catch (fault) {
    if (!(fault instanceof Later)) return { state: "later" };
    if (fault.outcome.wait_s) await rest(Date.now() + fault.outcome.wait_s * 1000);
    return fault.outcome;
  }
}

async function sendTrip(url, csrf, id) {
  let limit = BATCH;
  for (let rows = await rowsOf(id, limit); rows.length; rows = await rowsOf(id, limit)) {
    const answer = await post(url, csrf, rows);
    if (answer.status === 413 && limit > 1) {
      limit = Math.ceil(limit / 2);
      continue;
    }
    const ack = answer.ok ? new Set((await answer.json()).ack) : new Set();
    const known = rows.filter((row) => ack.has(key(row)));
    if (!known.length) throw new Later(answer);
    await settle(id, known.map((row) => row.n));
  }
}

function post(url, csrf, rows) {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
    body: JSON.stringify({ points: rows.filter((row) => !row.kind).map(shape), events: rows.filter((row) => row.kind).map(shape) }),
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

function key(row) { return `${row.trip}:${row.n}`; }

function shape({ n, ...row }) { return { k: `${row.trip}:${n}`, ...row }; }

class Later extends Error {
  constructor(answer) {
    super(`${answer.status}`);
    const after = answer.headers.get("Retry-After") ?? "";
    const wait_s = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000 || undefined;
    this.outcome = answer.status === 401 ? { state: "log_in" } : { state: "later", wait_s };
  }
}
