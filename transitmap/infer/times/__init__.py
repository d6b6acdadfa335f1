"""Stage 8. Sightings, waits, calls -> running times and Headways, each with what the evidence allows.

`durations` times the hops between calls; `fleet` tells which riders sat in one vehicle, `hops` times those by
the time of day. What the vehicles say of the headway is weighed in two readings, `gaps` (they come when they
come) and `slots` (they keep a timetable), with the `waits` of the riders in both; `weigh` puts the hours of a
day together, and `windows` states what may be stated.
"""

from transitmap.infer.times.clock import days_of, first_and_last, local_clock, timezone_of
from transitmap.infer.times.durations import RunningTimes, time_runs
from transitmap.infer.times.fleet import Seen, find_vehicles
from transitmap.infer.times.hops import time_hops
from transitmap.infer.times.waits import Waits, find_waits
from transitmap.infer.times.windows import find_headways

__all__ = [
    "RunningTimes",
    "Seen",
    "Waits",
    "days_of",
    "find_headways",
    "find_vehicles",
    "find_waits",
    "first_and_last",
    "local_clock",
    "time_hops",
    "time_runs",
    "timezone_of",
]
