"""The truth as the answer of a stage: what infer/ would say if one of its stages were perfect."""

import csv
import datetime
import importlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import fields, replace

import numpy as np

from transitmap import geo
from transitmap.evaluate.feed_map import place_calls, read_feed_map
from transitmap.evaluate.found_stops import match_points
from transitmap.evaluate.ways import off_m, way_of
from transitmap.gtfs.read import read_tables
from transitmap.infer.routes import Grouping
from transitmap.model import BUS, CAR, STILL, WALK, Legs, Paths, Routes

NEAR_M = 60.0
MIN_LINE_M = 300.0
STEP_M = 25.0
KINDS = {"walk": WALK, "still": STILL, "car": CAR}
STAGES = {
    "modes": "transitmap.infer.legs:split_legs",
    "junk": "transitmap.infer.areas:find_area",
    "grouping": "transitmap.infer.patterns:find_paths",
    "routes": "transitmap.infer.routes:group_paths",
    "shapes": "transitmap.infer.shapes:draw_shapes",
    "stop_positions": "transitmap.infer.stops:find_stops",
    "stops": "transitmap.infer.stops:find_stops",
}


class Truth:
    """What is true of the rides in a folder, and stages that say so.

    `pattern` is the row in the true feed of each ride, -1 for what is no ride.
    """

    def __init__(self, folder, rides):
        self.folder = folder
        with (folder / "rides.csv").open(newline="") as file:
            row_of = {row["ride"]: row for row in csv.DictReader(file)}
        self.rows = [row_of[stem(ride.ride_id)] for ride in rides]
        self.feed, _ = read_feed_map(folder / "truth.zip")
        self.pattern = self._patterns()
        self.plane = self.lines = self.paths = None

    def _patterns(self):
        """The pattern of each ride: that of its shape's name, else of the calls it has in common with it."""
        trips = read_tables(self.folder / "truth.zip")["trips.txt"]
        shape_of = dict(zip(trips["trip_id"], trips["shape_id"], strict=True))
        groups = Counter((row["route_id"], row["direction_id"], row["shape_id"]) for row in self.rows)
        best = {}
        for group, n_rides in groups.items():
            rides = [
                row for row in self.rows if (row["route_id"], row["direction_id"], row["shape_id"]) == group
            ]
            scores = []
            for k, (trip, *_) in enumerate(self.feed.trip_ids):
                route = self.feed.route_id[self.feed.route_index[k]]
                if (route, self.feed.direction[k]) == group[:2]:
                    ends = [(row["board_stop"], row["alight_stop"]) for row in rides]
                    counted = self.feed.n_rides[k]
                    near = -abs(counted - n_rides) if np.isfinite(counted) else 0.0
                    scores.append((shape_of[trip] == group[2], self._share_called(k, ends), near, -k))
            best[group] = -max(scores)[3] if scores else -1
        return np.array(
            [
                best[row["route_id"], row["direction_id"], row["shape_id"]] if row["kind"] == "ride" else -1
                for row in self.rows
            ]
        )

    def _share_called(self, pattern, ends):
        """Share of rides whose stops the pattern calls at, in their order."""
        called = [self.feed.stop_id[s] for s in self.feed.stop_index[self.feed.calls(pattern)]]
        place = {stop: k for k, stop in enumerate(called)}
        known = [(place.get(a, 99), place.get(b, -1)) for a, b in ends if a and b]
        return float(np.mean([a < b for a, b in known])) if known else 0.0

    @contextmanager
    def listening(self):
        """Notes the plane and the lines that the stages work on, for the answers to come."""

        def note_area(find_area):
            def listened(*words):
                area = find_area(*words)
                self.plane = area.plane
                self.feed, _ = read_feed_map(self.folder / "truth.zip", area.plane)
                return area

            return listened

        def note_lines(find_paths):
            def listened(lines, *words):
                self.lines, self.paths = lines, find_paths(lines, *words)
                return self.paths

            return listened

        with swapped(STAGES["junk"], note_area), swapped(STAGES["grouping"], note_lines):
            yield

    def answering(self, stage):
        """The stage replaced by the truth for a while."""
        return swapped(STAGES[stage], getattr(self, stage))

    def modes(self, split_legs):
        """Legs cut where the rider got on and off."""

        def answer(rides, *words):
            own = split_legs(rides, *words)
            parts = []
            for k, (ride, row) in enumerate(zip(rides, self.rows, strict=True)):
                n = len(ride.fixes)
                if row["kind"] == "ride":
                    ends_s = [time_s(row["board_time"]), time_s(row["alight_time"])]
                    first, last = np.searchsorted(ride.fixes.time_s, ends_s, side="left").tolist()
                    cuts = [0, first, min(last + 1, n), n] if last - first >= 2 else [0, 0, n, n]
                    parts += [
                        (k, a, b, mode)
                        for a, b, mode in zip(cuts, cuts[1:], (WALK, BUS, WALK), strict=False)
                        if b - a >= (2 if mode == WALK else 1)
                    ]
                elif row["kind"] in KINDS:
                    parts += [(k, 0, n, KINDS[row["kind"]])] if n else []
                else:
                    rows = np.flatnonzero(own.ride_index == k)
                    parts += list(
                        zip(*(c[rows] for c in (own.ride_index, own.first, own.last, own.mode)), strict=True)
                    )
            return legs(*np.array(parts, dtype=np.int64).reshape(-1, 4).T)

        return answer

    def junk(self, find_area):
        """What is no ride is left out from the start."""

        def answer(rides, *words):
            area = find_area(rides, *words)
            is_junk = np.array([row["kind"] != "ride" for row in self.rows], dtype=bool)
            return area._replace(is_far=area.is_far | is_junk)

        return answer

    def grouping(self, find_paths):
        """Every line on its true pattern, drawn from the first to the last place where one was seen."""

        def answer(lines, labels, *_):
            self.lines, found = lines, []
            for pattern in range(len(self.feed)):
                way = way_of(self.feed.line_m(pattern))
                members, ends_m = [], []
                for line in np.flatnonzero(self.pattern[lines.ride_index] == pattern).tolist():
                    points = slice(lines.point_start[line], lines.point_start[line + 1])
                    near = np.isfinite(off_m(lines.xy_m[points], lines.heading[points], way, NEAR_M))
                    if near.mean() > 0.5:
                        members.append(line)
                        ends_m += way.along_m[way.tree.query(lines.xy_m[points][near])[1]].tolist()
                if members and max(ends_m) - min(ends_m) >= MIN_LINE_M:
                    where_m = np.arange(min(ends_m), max(ends_m), STEP_M)
                    found.append((members, geo.at(way.xy_m, way.along_m, where_m)))
            found.sort(key=lambda one: -len(one[0]))
            self.paths = paths_of(found, labels)
            return self.paths

        return answer

    def majority(self, paths):
        """The true pattern of most lines of each path, -1 without any."""
        patterns = []
        for path in range(len(paths)):
            lines = paths.line_index[paths.path_index == path]
            true = [k for k in self.pattern[self.lines.ride_index[lines]].tolist() if k >= 0]
            patterns.append(min(Counter(true).items(), key=lambda kn: (-kn[1], kn[0]))[0] if true else -1)
        return patterns

    def routes(self, group_paths):
        """Every path on the route and direction of most of its rides; what has none stays alone."""

        def answer(paths, *words):
            own = group_paths(paths, *words)
            true = self.majority(paths)
            key = [
                (0, int(self.feed.route_index[k])) if k >= 0 else (1, int(own.route_index[p]))
                for p, k in enumerate(true)
            ]
            route = [list(dict.fromkeys(key)).index(one) for one in key]
            way = [
                int(self.feed.direction[k] or 0) if k >= 0 else int(own.direction_id[p])
                for p, k in enumerate(true)
            ]
            names = [
                next((paths.label[p].upper() for p, r in enumerate(route) if r == k and paths.label[p]), "")
                for k in range(len(set(route)))
            ]
            routes = filled(
                Routes,
                len(names),
                short_name=tuple(names),
                long_name=("",) * len(names),
                share_label=np.ones(len(names)),
            )
            return Grouping(routes, np.array(route, dtype=np.int64), np.array(way, dtype=np.int64))

        return answer

    def shapes(self, draw_shapes):
        """The true line of each path's pattern, from where the path starts to where it ends."""

        def answer(paths, *words):
            own = draw_shapes(paths, *words)
            return [self._true_shape(line, k) for line, k in zip(own, self.majority(paths), strict=True)]

        return answer

    def _true_shape(self, own_m, pattern):
        """The true line between the ends of ours; ours where it mostly runs elsewhere."""
        if pattern < 0:
            return own_m
        way = way_of(self.feed.line_m(pattern))
        off = way.tree.query(geo.resample(own_m, STEP_M))[0]
        first_m, last_m = self._ends_m(own_m, way)
        if last_m - first_m < MIN_LINE_M or np.mean(off < NEAR_M) < 0.7:
            return own_m
        inner = (way.along_m > first_m) & (way.along_m < last_m)
        where_m = np.concatenate([[first_m], way.along_m[inner], [last_m]])
        return geo.at(way.xy_m, way.along_m, where_m)

    def _ends_m(self, own_m, way):
        """How far along a line ours begins and ends: near its ends and as long: it may pass a place twice."""
        length_m = geo.along_m(own_m)[-1]
        near = [np.hypot(*(way.xy_m - end_m).T) for end_m in own_m[[0, -1]]]
        spots = [np.flatnonzero(off <= off.min() + NEAR_M) for off in near]
        first, last = np.meshgrid(*spots, indexing="ij")
        longer_m = np.abs(way.along_m[last] - way.along_m[first] - length_m)
        best = np.argmin(longer_m + near[0][first] + near[1][last])
        return way.along_m[first.ravel()[best]], way.along_m[last.ravel()[best]]

    def stop_positions(self, find_stops):
        """Our stops, those that are a true one moved onto it."""

        def answer(*words):
            stops, calls = find_stops(*words)
            ours, true, _ = match_points(self._xy_m(stops), self.feed.stop_m, 50.0)
            xy_m = self._xy_m(stops)
            xy_m[ours] = self.feed.stop_m[true]
            lat_deg, lon_deg = self.plane.to_degrees(xy_m)
            return replace(stops, lat_deg=lat_deg, lon_deg=lon_deg), calls

        return answer

    def _xy_m(self, stops):
        return self.plane.to_metres(stops.lat_deg, stops.lon_deg)

    def stops(self, find_stops):
        """The true stops beside each path, called at in their order; evidence is that of our nearest stop."""

        def answer(rides, legs, lines, crowd, shapes_m, *words):
            own, calls = find_stops(rides, legs, lines, crowd, shapes_m, *words)
            true, chains = self._true_calls(shapes_m), []
            used = sorted({int(stop) for stop, _ in (pair for chain in true if chain for pair in chain)})
            row = {stop: k for k, stop in enumerate(used)}
            n_own = 0
            extra = []
            for path, chain in enumerate(true):
                if chain:
                    chains.append([(row[stop], at_m) for stop, at_m in chain])
                    continue
                rows = slice(calls.start[path], calls.start[path + 1])
                mine = list(zip(calls.stop_index[rows].tolist(), calls.along_m[rows].tolist(), strict=True))
                chains.append([(len(used) + n_own + k, at_m) for k, (_, at_m) in enumerate(mine)])
                extra += [stop for stop, _ in mine]
                n_own += len(mine)
            from scipy.spatial import cKDTree

            nearest = cKDTree(self._xy_m(own)).query(self.feed.stop_m[used])[1] if used else []
            stops = taken(own, [*nearest, *extra])
            lat_deg, lon_deg = self.plane.to_degrees(
                np.concatenate([self.feed.stop_m[used], self._xy_m(own)[extra]])
            )
            start = np.concatenate([[0], np.cumsum([len(chain) for chain in chains])]).astype(np.int64)
            flat = [pair for chain in chains for pair in chain]
            return replace(stops, lat_deg=lat_deg, lon_deg=lon_deg), calls._replace(
                start=start,
                stop_index=np.array([stop for stop, _ in flat], dtype=np.int64),
                along_m=np.array([at_m for _, at_m in flat], dtype=float),
            )

        return answer

    def _true_calls(self, shapes_m):
        """For each shape the stops of the true pattern along it and how far along; None where none is."""
        chains = []
        for shape_m, likely in zip(shapes_m, self.majority(self.paths), strict=True):
            points_m = geo.resample(shape_m, STEP_M)
            heading = geo.headings(points_m, 1)
            covers = [
                float(np.isfinite(off_m(points_m, heading, way_of(self.feed.line_m(k)))).mean())
                for k in range(len(self.feed))
            ]
            covers[likely] += 0.1 * (likely >= 0)  # of patterns that share the street, that of its rides
            best = int(np.argmax(covers))
            chains.append(self._calls_on(shape_m, best) if covers[best] > 0.7 else None)
        return chains

    def _calls_on(self, shape_m, pattern):
        chain = self.feed.stop_index[self.feed.calls(pattern)]
        at_m = place_calls(self.feed.stop_m[chain], shape_m)
        off = np.hypot(*(geo.at(shape_m, geo.along_m(shape_m), at_m) - self.feed.stop_m[chain]).T)
        kept, last_m = [], -1.0
        for stop, place_m, side_m in zip(chain.tolist(), at_m.tolist(), off.tolist(), strict=True):
            if side_m <= NEAR_M and place_m > last_m:
                kept.append((stop, place_m))
                last_m = place_m
        return kept if len(kept) >= 2 else None


def swapped(target, make):
    """`module:name` replaced by what `make` makes of it."""

    @contextmanager
    def swap():
        module = importlib.import_module(target.split(":")[0])
        name = target.split(":")[1]
        before = getattr(module, name)
        setattr(module, name, make(before))
        try:
            yield
        finally:
            setattr(module, name, before)

    return swap()


def legs(ride_index, first, last, mode):
    """Legs one is sure of."""
    return filled(
        Legs,
        len(ride_index),
        ride_index=ride_index,
        first=first,
        last=last,
        mode=mode,
        confidence=np.ones(len(ride_index)),
    )


def paths_of(found, labels):
    """Paths of (lines, points), each line on one path."""
    votes = [Counter(labels[line] for line in members if labels[line]) for members, _ in found]
    label = tuple(min(vote, key=lambda name: (-vote[name], name)) if vote else "" for vote in votes)
    members = [line for lines, _ in found for line in lines]
    return filled(
        Paths,
        len(members),
        point_start=np.concatenate([[0], np.cumsum([len(xy_m) for _, xy_m in found])]).astype(np.int64),
        xy_m=np.concatenate([*(xy_m for _, xy_m in found), np.zeros((0, 2))]),
        label=label,
        n_label=np.array(
            [vote[name] if name else 0 for vote, name in zip(votes, label, strict=True)], dtype=float
        ),
        n_labelled=np.array([sum(vote.values()) for vote in votes], dtype=float),
        line_index=np.array(members, dtype=np.int64),
        path_index=np.repeat(np.arange(len(found)), [len(lines) for lines, _ in found]),
        covered=np.ones(len(members)),
        weight=np.ones(len(members)),
    )


def filled(kind, n, **known):
    """Columns of a kind; those that this study does not know of hold n ones."""
    for column in fields(kind):
        if column.name not in known:
            known[column.name] = np.ones(n, dtype=bool if "Bool" in str(column.type) else float)
    return kind(**known)


def taken(columns, rows):
    """Rows of columns, whatever columns there are."""
    rows = np.asarray(rows, dtype=np.int64)
    return type(columns)(
        **{
            one.name: value[rows] if isinstance(value, np.ndarray) else tuple(value[k] for k in rows)
            for one in fields(columns)
            for value in [getattr(columns, one.name)]
        }
    )


def merged_stops(stops, calls, radius_m):
    """Stops within a radius of a better one given to it, the best first; calls follow."""
    plane = geo.Plane.around(stops.lat_deg, stops.lon_deg)
    xy_m = plane.to_metres(stops.lat_deg, stops.lon_deg)
    keeper = np.full(len(stops), -1, dtype=np.int64)
    for k in np.argsort(-stops.n_rides, kind="stable"):
        near = np.hypot(*(xy_m - xy_m[k]).T) <= radius_m
        if keeper[k] < 0:
            keeper[near & (keeper < 0)] = k
    kept, row = np.unique(keeper, return_inverse=True)
    return taken(stops, kept), calls._replace(stop_index=row.reshape(-1)[calls.stop_index])


def stem(ride_id):
    """`rides.zip/ride-1.gpx` is `ride-1`."""
    return ride_id.rsplit("/", 1)[-1].removesuffix(".gpx")


def time_s(text):
    """Unix time of an ISO time."""
    return datetime.datetime.fromisoformat(text).timestamp()
