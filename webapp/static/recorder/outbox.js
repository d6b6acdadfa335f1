// Keeps trips and their rows in IndexedDB, a transaction for each row: what was written survives a killed tab.
const TRIPS = "trips";
const ROWS = "rows";
const FACTS = "facts";
const WORDS = 10; // what is said of a whole ride has numbers from -10 on
const changes = new BroadcastChannel("recorder");
let opened;

// Calls back whenever a trip changes elsewhere: in another tab, or in the service worker.
export function whenChanged(tell) { changes.addEventListener("message", () => tell()); }

export function add(trip) { return within((trips) => { trips.put(trip); }); }

export function get(id) { return within((trips) => asked(trips.get(id)), "readonly"); }

// Trips of one account, the latest first. Those of other accounts on this phone are nobody's business.
export async function tripsOf(rider) {
  const all = await within((trips) => asked(trips.index("rider").getAll(rider)), "readonly");
  return all.sort((a, b) => b.started - a.started);
}

export function change(id, values) {
  return within(async (trips) => {
    const trip = await asked(trips.get(id));
    if (trip) trips.put(Object.assign(trip, values));
    return trip;
  });
}

// Adds a fix or a mark; `count` changes what the trip tells of itself.
export function addRow(id, row, count) {
  return within(async (trips, rows) => {
    const trip = await asked(trips.get(id));
    if (!trip || trip.state !== "riding") return undefined;
    rows.put({ ...row, trip: id, n: trip.n });
    trips.put(Object.assign(count(trip), { n: trip.n + 1 }));
    return trip;
  });
}

export function removeMark(id, n) {
  return within(async (trips, rows) => {
    const trip = await asked(trips.get(id));
    const row = await asked(rows.get([id, n]));
    if (!trip || !row?.kind || trip.state === "waiting") return undefined;
    rows.delete([id, n]);
    trips.put(Object.assign(trip, { marks: trip.marks - 1 }));
    return row;
  });
}

export function rowsOf(id, limit) { return within((_, rows) => asked(rows.getAll(all(id), limit)), "readonly"); }

// The rider agrees: what was said of the whole ride becomes rows, and all of it may go.
export function approve(id, said) {
  return within(async (trips, rows) => {
    const trip = await asked(trips.get(id));
    if (!trip || trip.state !== "held") return trip;
    for (const [index, [kind, text]] of Object.entries(said).entries()) { // before all fixes: they may arrive in parts
      if (text) rows.put({ trip: id, n: index - WORDS, t: trip.started, lat: null, lon: null, kind, text });
    }
    if (await asked(rows.count(all(id)))) rows.put(end(trip, 1 + await asked(rows.count(all(id)))));
    const total = await asked(rows.count(all(id)));
    trips.put(Object.assign(trip, { state: total ? "waiting" : "received", total, sent: 0 }));
    return trip;
  });
}

// Goes behind all others: whoever reads it has all of the ride, and need not wait for silence.
function end({ id, n, started, ended }, total) { return { trip: id, n, t: ended ?? started, lat: null, lon: null, kind: "finish", text: String(total) }; }

// Deletes the rows that the server has acknowledged, and only those. Of a ride that arrived no place is left.
export function settle(id, numbers) {
  return within(async (trips, rows) => {
    const trip = await asked(trips.get(id));
    if (!trip) return;
    for (const n of numbers) rows.delete([id, n]);
    trip.sent += numbers.length;
    if (!await asked(rows.count(all(id)))) Object.assign(trip, { state: "received", received: Date.now(), last: null, anchor: null });
    trips.put(trip);
  });
}

// Until when the server asked to be left alone: known to every tab and to the service worker.
export async function restUntil() { return (await within((_, __, facts) => asked(facts.get("rest")), "readonly"))?.until ?? 0; }

export function rest(until) { return within((_, __, facts) => { facts.put({ name: "rest", until }); }); }

export function remove(id) { return within((trips, rows) => { rows.delete(all(id)); trips.delete(id); }); }

async function within(work, mode = "readwrite") {
  const database = await open();
  const transaction = database.transaction([TRIPS, ROWS, FACTS], mode);
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const result = await work(...[TRIPS, ROWS, FACTS].map((name) => transaction.objectStore(name)));
  await done;
  if (mode === "readwrite") changes.postMessage("changed");
  return result;
}

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("recorder", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(TRIPS, { keyPath: "id" }).createIndex("rider", "rider");
      request.result.createObjectStore(ROWS, { keyPath: ["trip", "n"] });
      request.result.createObjectStore(FACTS, { keyPath: "name" });
    };
    request.onsuccess = () => {
      request.result.onclose = () => { opened = undefined; };
      resolve(request.result);
    };
    request.onerror = () => { opened = undefined; reject(request.error); };
  });
  return opened;
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function all(id) { return IDBKeyRange.bound([id], [id, []]); }
