// What the page says: sentences that the server translated, numbers and times as the reader writes them.
const words = JSON.parse(document.getElementById("words").textContent);
const lang = document.documentElement.lang;

export function say(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function span(from, to) {
  return new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }).formatRange(from, to);
}

export function clock(t) { return new Intl.DateTimeFormat(lang, { timeStyle: "short" }).format(t); }

// 75 -> "1:15", 3675 -> "1:01:15"
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const tail = `${String(Math.floor(s / 60) % 60)}:${String(s % 60).padStart(2, "0")}`;
  return s < 3600 ? tail : `${Math.floor(s / 3600)}:${tail.padStart(5, "0")}`;
}

// A mark as the rider knows it: "Crowding: Standing".
export function markName({ kind, text }) {
  if (!text || kind === "step_free") return say(kind);
  return `${say(kind)}: ${words[text] ?? text}`;
}
