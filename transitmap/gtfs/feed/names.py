"""Network -> names a rider can read: what riders said, tidied; else what is true of the place itself."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

from transitmap.cells import FORMULA_STARTS
from transitmap.geo import Plane, heading_deg
from transitmap.model import Ids, Network

MAX_SHORT_CHARS = 12  # canonical rule route_short_name_too_long
MAX_LONG_CHARS = 120
MAX_ID_CHARS, END_CHARS = 8, 5  # an id of a city's own may be as long as a telephone number
NO_FIRST_CHARS = "".join(FORMULA_STARTS) + "' "
LOOP_SHARE = 0.3  # a pattern that ends this near its start, as a share of how far it goes, is a loop
FILLER = re.compile(
    r"(?:parada|paradero|bus ?stop|stop|sin nombre|unnamed|none|way ?point|wpt|punto|poi)?[\W\d_]*",
    re.IGNORECASE,
)
TOWARDS = re.compile(
    r"^(?:to|towards|hacia|(?:con )?rumbo a|(?:con )?direcci[oó]n(?: a)?)[\s:]+", re.IGNORECASE
)
ROUTE_WORD = re.compile(r"^(?:ruta|route)\s+(?=\S)", re.IGNORECASE)
SMALL_WORDS = frozenset(
    {"de", "del", "la", "las", "el", "los", "y", "e", "a", "al", "en", "of", "the", "and"}
)
COMPASS = {
    "es": ("norte", "noreste", "este", "sureste", "sur", "suroeste", "oeste", "noroeste"),
    "en": ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"),
}
PLACE = {"es": "{route} al {way}, km {km}", "en": "{route} {way}bound, km {km}"}
ROUTE = {"es": "Ruta {}", "en": "Route {}"}
LOOP = {"es": "Circuito", "en": "Loop"}
UNNAMED = {"es": "Ruta sin nombre {}", "en": "Unnamed route {}"}
VARIANT = {"es": "Recorrido {}", "en": "Service {}"}


@dataclass(frozen=True)
class Names:
    """Names as they are published, aligned with the rows of the network."""

    route_short: tuple[str, ...]
    route_long: tuple[str, ...]
    stop: tuple[str, ...]
    headsign: tuple[str, ...]


def name_things(network: Network, ids: Ids, lang: str) -> Names:
    """The names of all routes, stops and destinations; only one of a route's two names may be empty.

    What riders said comes first. A stop nobody named is called by where it is: its busiest route, the way
    vehicles go there and the kilometre along that route. That is true, can be found on the street and does
    not change when a stop before it is found. A destination nobody named is the last stop's name, or the
    quarter of the compass it lies in. `lang` es gives Spanish words, any other English.
    """
    lang, told, short = _spoken(network, lang)
    long = _long_names(network, ids, told, short, lang)
    stops = _stop_names(network, ids, told, short, lang)
    return Names(short, long, stops, headsigns_of(network, lang))


def headsigns_of(network: Network, lang: str) -> tuple[str, ...]:
    """The destination of each pattern, as `name_things` has it."""
    lang, told, short = _spoken(network, lang)
    return tuple(_headsign(network, i, told, short, lang) for i in range(len(network.patterns)))


def _spoken(network: Network, lang: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The language of names, what riders called each stop, and each route's short name."""
    lang = lang.split("-")[0].lower()
    told = tuple("" if FILLER.fullmatch(tidy(name)) else tidy(name) for name in network.stops.name)
    short = tuple(_short_name(name) for name in network.routes.short_name)
    return lang if lang in PLACE else "en", told, short


def tidy(text: str) -> str:
    """The text without markup, control characters, doubled spaces or a spreadsheet's formula start."""
    text = unicodedata.normalize("NFC", re.sub(r"</?[a-zA-Z!][^<>]*>", " ", text))
    text = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text if one not in "<>")
    return _mixed_case(" ".join(text.split()).lstrip(NO_FIRST_CHARS))[:MAX_LONG_CHARS].strip()


def _mixed_case(text: str) -> str:
    """Shouted or mumbled words capitalised; a text with both cases stays as its riders wrote it."""
    words = re.findall(r"[^\W\d_]+", text)
    if any(not word.isupper() and not word.islower() for word in words):
        return text
    if _is_well_cased(text) and not any(len(word) > 4 for word in words):
        return text
    cased = _capitals(text, 2, SMALL_WORDS)  # acronyms stay, unless nothing else shows two cases
    return cased if _is_well_cased(cased) else _capitals(text, 1, frozenset())


def _is_well_cased(text: str) -> bool:
    """What the canonical rule mixed_case_recommended_field accepts (its tokens split at digits too)."""
    tokens = re.split(r"[\W\d_]+", text)
    while tokens and not tokens[-1]:
        tokens.pop()
    words = [token for token in tokens if len(token) != 1]
    if len(tokens) == 1:
        return not words or not words[0].islower()
    return len(words) < 2 or any(word and not word.isupper() and not word.islower() for word in words)


def _capitals(text: str, acronym_chars: int, small_words: frozenset[str]) -> str:
    """`MERCADO DE LA UV` to `Mercado de la UV`; small words stay small inside a name."""

    def capital(found: re.Match[str]) -> str:
        word = found[0]
        if found.start() and len(word) > 1 and word.lower() in small_words:
            return word.lower()
        if word.isupper() and len(word) <= acronym_chars:
            return word
        return word[:1].upper() + word[1:].lower()

    return re.sub(r"[^\W\d_]+", capital, text)


def _short_name(vote: str) -> str:
    """The riders' name of a route where it is short enough for a vehicle's front; without the word `Ruta`."""
    name = ROUTE_WORD.sub("", tidy(vote))
    return name if len(name) <= MAX_SHORT_CHARS else ""


def _long_names(
    network: Network, ids: Ids, told: tuple[str, ...], short: tuple[str, ...], lang: str
) -> tuple[str, ...]:
    """Long names that make every route different and do not repeat the short name."""
    routes = network.routes
    names = []
    for i, route_id in enumerate(ids.route_id):
        name = tidy(routes.long_name[i]) or ("" if short[i] else tidy(routes.short_name[i]))
        name = _without(short[i], name) or _without(short[i], _terminals(network, i, told, lang))
        names.append(name if name or short[i] else UNNAMED[lang].format(route_id[-MAX_ID_CHARS:]))
    times = Counter(zip(short, names, strict=True))
    return tuple(
        name
        if times[short[i], name] == 1
        else f"{name} {VARIANT[lang].format(ids.route_id[i][-MAX_ID_CHARS:])}".strip()
        for i, name in enumerate(names)
    )


def _without(short: str, name: str) -> str:
    """A long name that does not start by repeating the short one."""
    while short and re.match(rf"{re.escape(short)}(?!\w)", name, re.IGNORECASE):
        name = tidy(name[len(short) :].lstrip(" -–—:,()").removesuffix(")"))
    return name


def _terminals(network: Network, route: int, told: tuple[str, ...], lang: str) -> str:
    """`Centro - Mercado` of the route's busiest pattern where riders named both ends, else nothing."""
    patterns = network.patterns
    rows = np.flatnonzero(patterns.route_index == route)
    if not len(rows):
        return ""
    busiest = rows[np.argmax(patterns.n_rides[rows])]
    calls = patterns.stop_index[patterns.call_start[busiest] : patterns.call_start[busiest + 1]]
    first, last = told[calls[0]], told[calls[-1]]
    if not first or not last:
        return ""
    return f"{first} - {last}" if first != last else f"{LOOP[lang]} {first}"


def _stop_names(
    network: Network, ids: Ids, told: tuple[str, ...], short: tuple[str, ...], lang: str
) -> tuple[str, ...]:
    """Told names, and places for the rest; two that round to one place are told apart finer, then by id."""
    rough, fine = (_places(network, ids, short, lang, decimals) for decimals in (1, 2))
    names = [told[i] or place for i, place in enumerate(rough)]
    for finer in (fine, [f"{place} ({ids.stop_id[i][-END_CHARS:]})" for i, place in enumerate(fine)]):
        times = Counter(names)
        names = [one if told[i] or times[one] == 1 else finer[i] for i, one in enumerate(names)]
    return tuple(names)


def _places(network: Network, ids: Ids, short: tuple[str, ...], lang: str, decimals: int) -> list[str]:
    """`Ruta 12 al norte, km 3.4` for every stop: along its busiest pattern, heading the way vehicles go."""
    patterns, n_stops = network.patterns, len(network.stops)
    owner = np.repeat(np.arange(len(patterns)), np.diff(patterns.call_start))
    order = np.lexsort((np.arange(len(owner)), -patterns.n_rides[owner], patterns.stop_index))
    stop, first = np.unique(patterns.stop_index[order], return_index=True)
    call = np.full(n_stops, -1)
    call[stop] = order[first]
    places = []
    for i in range(n_stops):
        route = int(patterns.route_index[owner[call[i]]]) if call[i] >= 0 else -1
        label = (short[route] or ids.route_id[route][-MAX_ID_CHARS:]) if route >= 0 else "?"
        km = patterns.along_m[call[i]] / 1000 if call[i] >= 0 else 0.0
        way = COMPASS[lang][round(float(network.stops.heading_deg[i]) / 45.0) % 8]
        places.append(PLACE[lang].format(route=ROUTE[lang].format(label), way=way, km=f"{km:.{decimals}f}"))
    return places


def _headsign(
    network: Network, pattern: int, told: tuple[str, ...], short: tuple[str, ...], lang: str
) -> str:
    """Where a pattern goes: as riders said (without `To` and the route), its last stop, or a quarter."""
    patterns, stops = network.patterns, network.stops
    calls = patterns.stop_index[patterns.call_start[pattern] : patterns.call_start[pattern + 1]]
    name = TOWARDS.sub("", ROUTE_WORD.sub("", TOWARDS.sub("", tidy(patterns.headsign[pattern]))))
    name = tidy(_without(short[patterns.route_index[pattern]], name)) or told[calls[-1]]
    if name:
        return name
    lat_deg, lon_deg = stops.lat_deg[calls], stops.lon_deg[calls]
    xy_m = Plane.around(lat_deg, lon_deg).to_metres(lat_deg, lon_deg)
    reach_m, way_m = np.hypot(*(xy_m - xy_m[0]).T).max(), xy_m[-1] - xy_m[0]
    if np.hypot(*way_m) < LOOP_SHARE * reach_m:
        return LOOP[lang]
    return COMPASS[lang][round(float(heading_deg(way_m[None, :])[0]) / 45.0) % 8].capitalize()
