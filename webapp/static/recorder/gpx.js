// A ride as a GPX file on the rider's own phone: the way out when nothing else works.
export function saveGpx(trip, rows) {
  const fixes = rows.filter((row) => !row.kind);
  const marks = rows.filter((row) => row.kind && row.lat !== null);
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="transitmap" xmlns="http://www.topografix.com/GPX/1/1">
${marks.map((row) => point("wpt", row, `<name>${escape([row.kind, row.text].filter(Boolean).join(" "))}</name>`)).join("\n")}
<trk><name>${escape(trip.label)}</name><trkseg>
${fixes.map((row) => point("trkpt", row, "")).join("\n")}
</trkseg></trk></gpx>
`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/gpx+xml" }));
  link.download = `transitmap-${new Date(trip.started).toISOString().slice(0, 16).replace(/\D/g, "")}.gpx`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function point(name, row, inside) {
  return `<${name} lat="${row.lat}" lon="${row.lon}"><time>${new Date(row.t).toISOString()}</time>${inside}</${name}>`;
}

function escape(text) { return text.replace(/[<>&]/g, (one) => `&#${one.charCodeAt(0)};`); }
