// Watches the phone's position: hands on each fix as it comes, counts what is missing and fills nothing.
export const LOST_S = 15;
const GAP_S = 30;
const NOISE_M = 12;

// Tells fixes and faults (`denied`, `lost`) until the function that comes back is called.
export function track(onFix, onFault) {
  let watch, last = 0;
  const options = { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 };
  const begin = () => {
    if (document.visibilityState !== "visible") return;
    navigator.geolocation.clearWatch(watch);
    watch = navigator.geolocation.watchPosition(take, (fault) => onFault(fault.code === 1 ? "denied" : "lost"), options);
  };
  const take = (position) => {
    if (position.timestamp <= last) return;
    last = position.timestamp;
    onFix(fixOf(position));
  };
  document.addEventListener("visibilitychange", begin); // a page that was hidden may have lost its watch
  begin();
  return () => {
    document.removeEventListener("visibilitychange", begin);
    navigator.geolocation.clearWatch(watch);
  };
}

// To a centimetre, a decimetre, a degree: the digits behind are noise that a phone would pay for. Unknown is left out.
function fixOf({ coords, timestamp }) {
  const fix = { t: Math.round(timestamp), lat: round(coords.latitude, 7), lon: round(coords.longitude, 7), acc: round(coords.accuracy, 1) };
  const more = { spd: round(coords.speed, 2), hdg: round(coords.heading, 0), alt: round(coords.altitude, 1) };
  for (const [name, value] of Object.entries(more)) if (Number.isFinite(value)) fix[name] = value;
  return fix;
}

function round(value, digits) { return value === null ? NaN : Number(value.toFixed(digits)); }

// A trip with one more fix. Silence is a gap and adds no distance; standing does not add up to one.
export function withFix(trip, fix) {
  const silence_s = trip.last ? (fix.t - trip.last.t) / 1000 : 0;
  if (silence_s > GAP_S) Object.assign(trip, { gaps: trip.gaps + 1, gap_s: trip.gap_s + silence_s });
  const moved_m = trip.anchor ? distance(trip.anchor, fix) : 0;
  if (!trip.anchor || silence_s > GAP_S) trip.anchor = fix;
  else if (moved_m > Math.max(NOISE_M, fix.acc)) Object.assign(trip, { anchor: fix, metres: trip.metres + moved_m });
  return Object.assign(trip, { last: fix, fixes: trip.fixes + 1 });
}

export function distance(a, b) {
  const radians = Math.PI / 180;
  const across = (b.lon - a.lon) * radians * Math.cos((a.lat + b.lat) / 2 * radians);
  return 6_371_008.8 * Math.hypot((b.lat - a.lat) * radians, across);
}
