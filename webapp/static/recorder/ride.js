// The riding screen: records one ride until Stop; each fix and each tap is written down before it is shown.
import { addRow, get, removeMark } from "./outbox.js";
import { keepScreenOn } from "./screen.js";
import { LOST_S, track, withFix } from "./tracker.js";
import { clock, duration, markName, number, say } from "./words.js";

const FRESH_S = 10;
const BAD = ["lost", "denied", "full"], PASSING = ["found", "was_hidden"], PASSING_MS = 20_000;
const FARE = "recorder.fare";
const section = document.getElementById("riding");
const undo = section.querySelector('[data-do="undo"]');
const fare = document.getElementById("fare");
const dim = document.getElementById("dim");
const TWICE_MS = 600;

// Records trip `id` until the rider stops. `tell` speaks to people who listen to the page.
export async function ride(id, tell) {
  const running = new Ride(await get(id), tell);
  fare.elements.amount.value = localStorage.getItem(FARE) ?? "";
  section.hidden = false;
  document.body.classList.add("riding");
  scrollTo(0, 0);
  section.querySelector("h1").focus({ preventScroll: true });
  tell(say("recording"));
  await running.untilStopped();
  document.body.classList.remove("riding");
  section.hidden = true;
}

class Ride {
  constructor(trip, tell) {
    Object.assign(this, { trip, tell, marks: [], signal: "", fixSeen: performance.now(), hasFix: false });
  }

  async untilStopped() {
    this.show("searching");
    this.draw();
    this.drawUndo();
    const clockwork = setInterval(() => this.draw(), 1000);
    const ends = [track((fix) => this.take(fix), (fault) => this.show(fault)), keepScreenOn(tellScreen)];
    const listeners = new AbortController();
    const listen = (target, name, act) => target.addEventListener(name, act, { signal: listeners.signal });
    listen(document, "visibilitychange", () => this.noteHidden());
    listen(window, "beforeunload", (event) => event.preventDefault());
    listen(fare, "submit", (event) => this.pay(event));
    await new Promise((stop) => listen(section, "click", (event) => this.click(event, stop)));
    listeners.abort();
    for (const end of ends) end();
    clearInterval(clockwork);
    dim.close();
  }

  click(event, stop) {
    const button = event.target.closest("button");
    if (button?.dataset.do === "stop") stop();
    else if (button?.dataset.do === "undo") this.takeBack();
    else if (button?.dataset.do === "dim") dim.showModal();
    else if (dim.contains(button)) this.comeBack(event);
    else if (button?.dataset.kind) this.mark(button.dataset.kind, button.dataset.text);
  }

  // A pocket touches once; a rider twice, or with a key.
  comeBack(event) {
    const isKey = event.detail === 0, isTwice = event.timeStamp - (this.dimTouched ?? -Infinity) < TWICE_MS;
    this.dimTouched = event.timeStamp;
    if (isKey || isTwice) dim.close();
  }

  pay(event) {
    event.preventDefault();
    const amount = fare.elements.amount.value.replace(",", ".");
    localStorage.setItem(FARE, amount);
    fare.elements.amount.blur(); // the keyboard goes away
    this.mark("fare", amount);
  }

  async take(fix) {
    this.fixSeen = performance.now();
    this.hasFix = true;
    const kept = await this.write(fix, (trip) => withFix(trip, fix));
    if (kept && BAD.includes(this.signal)) this.show("found");
    else if (kept && this.signal === "searching") this.show("");
    this.draw();
  }

  async mark(kind, text) {
    const isFresh = this.hasFix && this.age_s() < FRESH_S;
    const { lat, lon } = isFresh ? this.trip.last : { lat: null, lon: null };
    const row = { t: Date.now(), lat, lon, kind, text: text ?? "" };
    const kept = await this.write(row, (trip) => Object.assign(trip, { marks: trip.marks + 1 }));
    if (!kept) return;
    this.marks.push({ ...row, n: kept.n - 1 });
    navigator.vibrate?.(40);
    this.tell(say("noted", { what: markName(row) }) + (isFresh ? "" : ` (${say("no_place")})`));
    this.drawUndo();
  }

  async takeBack() {
    const last = this.marks.pop();
    if (last && await removeMark(this.trip.id, last.n)) this.tell(say("undone", { what: markName(last) }));
    this.drawUndo();
  }

  // The trip as it then is, undefined where the phone has no room: said, and tried again with the next fix.
  async write(row, count) {
    try {
      const kept = await addRow(this.trip.id, row, count);
      this.trip = kept ?? this.trip;
      return kept;
    } catch {
      this.show("full");
      return undefined;
    }
  }

  noteHidden() {
    if (document.visibilityState === "hidden") this.hiddenAt = Date.now();
    const away_s = (Date.now() - this.hiddenAt) / 1000;
    if (document.visibilityState === "visible" && away_s > LOST_S) this.show("was_hidden", { time: duration(away_s) });
  }

  age_s() { return (performance.now() - this.fixSeen) / 1000; }

  show(name, values) {
    if (name === this.signal) return;
    Object.assign(this, { signal: name, shownAt: performance.now() });
    const box = document.getElementById("signal");
    box.textContent = name ? say(name, values) : "";
    box.className = `note ${BAD.includes(name) ? "bad" : "sun"}`;
  }

  draw() {
    const set = (name, text) => { section.querySelector(`[data-is="${name}"]`).textContent = text; };
    for (const name of ["elapsed", "dark-elapsed"]) set(name, duration((Date.now() - this.trip.started) / 1000));
    set("label", this.trip.label);
    set("metres", number(this.trip.metres / 1000, 1));
    set("fixes", number(this.trip.fixes));
    set("accuracy", this.hasFix ? `±${number(this.trip.last.acc)} m` : "–");
    set("age", this.hasFix ? `${number(this.age_s())} s` : "–");
    if (this.age_s() > LOST_S && !BAD.includes(this.signal)) this.show("lost");
    if (PASSING.includes(this.signal) && performance.now() - this.shownAt > PASSING_MS) this.show("");
  }

  drawUndo() {
    const last = this.marks.at(-1);
    undo.hidden = !last;
    if (last) undo.textContent = say("undo", { what: `${markName(last)} ${clock(last.t)}` });
  }
}

function tellScreen(isOn) { document.getElementById("screen").textContent = say(isOn ? "screen_on" : "screen_off"); }
