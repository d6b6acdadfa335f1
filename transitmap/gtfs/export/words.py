"""What exports say to people, in Spanish and in English."""

from __future__ import annotations

from transitmap.gtfs.export.patterns import Credit

WORDS = {
    "es": {
        "licence": "Licencia: {}",
        "no_licence": "El feed no dice su licencia",
        "version": "versión {}",
        "valid": "Válido del {} al {}",
        "source": "Fuente: {}",
        "to": "{} a {}",
        "every_day": "Todos los días",
        "some_dates": "Fechas especiales ({})",
        "every_min": "cada {} min",
        "every_s": "cada {} s",
        "unknown": "sin intervalo conocido",
        "between": "entre {} y {} min",
        "timetable": "Horarios",
        "about": "El feed da intervalos, no horas de salida: más o menos eso pasa entre dos vehículos.",
        "unknown_note": "«sin intervalo conocido»: se vieron vehículos, muy pocos para decir cada cuánto.",
        "evidence": "Debajo, entre qué intervalos están cuatro de cada cinco según los viajes grabados.",
        "departures": "Salidas de la primera parada",
        "window": "Horas",
        "other_days": "Otros días",
        "no_service": "sin servicio de {}",
        "nothing": "no se ha observado",
        "stop": "Parada",
        "minutes": "Minutos",
        "minutes_note": "minutos desde la primera parada, en promedio",
        "rides": "{} viajes grabados, {} días",
        "towards": "hacia {}",
        "contents": "Rutas",
        "map": "Mapa de rutas",
        "routes": "Rutas",
        "transfers": "Otras rutas que paran aquí, junto al nombre",
        "fare": "Tarifa: {}",
        "hail": "de aquí a la siguiente se sube y baja donde sea",
        "hail_note": "Línea clara: se sube y baja donde sea",
        "doubtful": "Aro punteado: parada poco segura",
        "north": "N",
    },
    "en": {
        "licence": "Licence: {}",
        "no_licence": "The feed does not state its licence",
        "version": "version {}",
        "valid": "Valid from {} to {}",
        "source": "Source: {}",
        "to": "{} to {}",
        "every_day": "Every day",
        "some_dates": "Certain dates ({})",
        "every_min": "every {} min",
        "every_s": "every {} s",
        "unknown": "interval not known",
        "between": "between {} and {} min",
        "timetable": "Timetables",
        "about": "The feed tells intervals, not departures: about that much passes between two vehicles.",
        "unknown_note": "“interval not known”: vehicles were seen, too few to say how often they come.",
        "evidence": "Below each: the range that holds four of five intervals, judging by the recorded rides.",
        "departures": "Departures from the first stop",
        "window": "Hours",
        "other_days": "Other days",
        "no_service": "no service of {}",
        "nothing": "not observed",
        "stop": "Stop",
        "minutes": "Minutes",
        "minutes_note": "minutes since the first stop, on average",
        "rides": "{} recorded rides, {} days",
        "towards": "to {}",
        "contents": "Routes",
        "map": "Route map",
        "routes": "Routes",
        "transfers": "Other routes that stop here stand beside the name",
        "fare": "Fare: {}",
        "hail": "from here to the next, get on and off anywhere",
        "hail_note": "Pale line: get on and off anywhere",
        "doubtful": "Dotted ring: a stop that is not certain",
        "north": "N",
    },
}

DAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def words_in(lang: str) -> dict[str, str]:
    """Words of a language, Spanish for one that there are no words in."""
    return WORDS.get(lang, WORDS["es"])


def citation(credit: Credit, lang: str) -> str:
    """How to cite the feed, in one line, without a licence."""
    words = words_in(lang)
    version = words["version"].format(credit.version) if credit.version else ""
    told = [credit.attribution, credit.publisher if credit.publisher not in credit.attribution else ""]
    return ". ".join(one for one in (*told, f"GTFS {version}".strip(), credit.publisher_url) if one)


def licence(credit: Credit, lang: str) -> str:
    """The licence in one line."""
    words = words_in(lang)
    return words["licence"].format(credit.licence_url) if credit.licence_url else words["no_licence"]


def credit_line(credit: Credit, lang: str) -> str:
    """Source, version and licence in one line."""
    return f"{words_in(lang)['source'].format(citation(credit, lang))}. {licence(credit, lang)}."


def days_in_words(days: tuple[bool, ...] | None, service_id: str, lang: str) -> str:
    """`Lunes a viernes`: the days of the week of a service."""
    words = words_in(lang)
    on = [k for k, runs in enumerate(days or ()) if runs]
    if not on:
        return words["some_dates"].format(service_id)
    if len(on) == 7:
        return words["every_day"]
    names = [DAYS.get(lang, DAYS["es"])[k] for k in on]
    is_run = len(on) > 2 and on[-1] - on[0] == len(on) - 1
    told = words["to"].format(names[0], names[-1]) if is_run else ", ".join(names)
    return told[0].upper() + told[1:]


def clock(day_s: int) -> str:
    """HH:MM of a service day; past midnight it goes on as 24:30."""
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}"


def every(headway_s: int, lang: str) -> str:
    """`cada 8 min`; under two minutes in seconds."""
    words = words_in(lang)
    seconds = headway_s < 120
    return words["every_s" if seconds else "every_min"].format(headway_s if seconds else minutes(headway_s))


def minutes(duration_s: float) -> int:
    """Whole minutes, halves up."""
    return int(duration_s / 60 + 0.5)


def date(gtfs: str) -> str:
    """YYYYMMDD as YYYY-MM-DD."""
    return f"{gtfs[:4]}-{gtfs[4:6]}-{gtfs[6:]}" if len(gtfs) == 8 else gtfs
