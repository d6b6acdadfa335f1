"""What the end report says, in Spanish and in English; and numbers, days and money as each writes them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

WORDS: dict[str, tuple[str, str]] = {
    "final": ("Informe final", "End report"),
    "interim": ("Informe provisional", "Interim report"),
    "not_closed": (
        "La campaña no está cerrada: todas las cifras pueden cambiar.",
        "The campaign is not closed: all figures may change.",
    ),
    "dates": ("Del {} al {}.", "From {} to {}."),
    "lead": (
        "{riders} registraron {rides} en {days} ({km} en total). De {directions} de ruta que recorrieron, "
        "{confirmed} quedan confirmados por dos o más personas independientes; {confirmed_new} de ellos no "
        "lo estaban antes.",
        "{riders} recorded {rides} on {days} ({km} in all). Of {directions} that they rode, {confirmed} are "
        "now confirmed by two or more independent people; {confirmed_new} of them were not before.",
    ),
    "nobody": ("Nadie registró un viaje en esta campaña.", "Nobody recorded a trip in this campaign."),
    "meaning": (
        "Un sentido es una ruta en una de sus direcciones. Lo conocen tantas personas como pasaron por "
        "al menos la mitad de su largo, contado lugar por lugar; quien viaja dos veces cuenta una, y las "
        "cuentas de las que una envió copia del viaje de otra cuentan como una. Está confirmado desde dos.",
        "A direction is a route in one of its two ways. It is known by as many people as passed along at "
        "least half of its length, counted place by place; whoever rides twice counts once, and accounts "
        "of which one sent a copy of another's trip count as one. It is confirmed from two on.",
    ),
    "mapped": ("Qué se mapeó", "What was mapped"),
    "routes": ("Rutas recorridas", "Routes ridden"),
    "directions": ("Sentidos recorridos", "Directions ridden"),
    "new": ("… que nadie conocía antes", "… that nobody knew before"),
    "confirmed": ("… confirmados ahora", "… confirmed now"),
    "confirmed_new": ("… confirmados por esta campaña", "… confirmed by this campaign"),
    "published": ("… publicados en los datos abiertos", "… published in the open data"),
    "ridden_km": ("Kilómetros de línea recorridos", "Kilometres of line ridden"),
    "stops": ("Paradas de esos sentidos", "Stops of these directions"),
    "stops_from": ("… con confianza de {} o más", "… with a confidence of {} or more"),
    "stops_to": ("… con confianza menor de {}", "… with a confidence below {}"),
    "by_riders": (
        "Sentidos recorridos, por cuántas personas independientes los conocen",
        "Directions ridden, by how many independent people know them",
    ),
    "growth": (
        "Sentidos recorridos y confirmados, día por día",
        "Directions ridden and confirmed, day by day",
    ),
    "n_people": ("{} personas", "{} people"),
    "one_person": ("1 persona", "1 person"),
    "part_only": ("sólo una parte", "a part only"),
    "or_more": ("{} o más", "{} or more"),
    "line_reached": ("recorridos", "ridden"),
    "line_confirmed": ("confirmados", "confirmed"),
    "cost": ("Qué costó", "What it cost"),
    "budget": ("Presupuesto de premios", "Budget for prizes"),
    "state_held": ("Premios en espera de revisión", "Prizes waiting for review"),
    "state_approved": ("Premios aprobados", "Prizes approved"),
    "state_paid": ("Premios pagados", "Prizes paid"),
    "state_refused": ("Premios rechazados", "Prizes refused"),
    "per_confirmed": (
        "Premios por sentido confirmado por esta campaña",
        "Prizes for each direction confirmed by this campaign",
    ),
    "per_confirmed_budget": (
        "Presupuesto por sentido confirmado por esta campaña",
        "Budget for each direction confirmed by this campaign",
    ),
    "no_prizes": ("No se ha decidido ningún premio todavía.", "No prize has been decided yet."),
    "not_counted": (
        "No incluye el trabajo de organización y revisión, la difusión ni los servidores: no se registran.",
        "Without the work of organisers and reviewers, publicity and servers: nobody records these.",
    ),
    "people": ("Quiénes participaron", "Who took part"),
    "n_riders": ("Personas con algún viaje", "People with a trip"),
    "n_rides": ("Viajes", "Trips"),
    "n_days": ("Días con viajes", "Days with trips"),
    "recorded_km": ("Kilómetros grabados", "Kilometres recorded"),
    "median": ("Viajes por persona (mediana)", "Trips a person (median)"),
    "top_tenth": (
        "Parte de los viajes que hizo la décima parte más activa",
        "Share of trips by the most active tenth",
    ),
    "teams": ("Equipos", "Teams"),
    "points": ("Puntos otorgados", "Points given"),
    "verified": ("… confirmados, que cuentan para premios", "… confirmed, which count for prizes"),
    "too_few_people": ("desconocida: menos de diez personas", "unknown: fewer than ten people"),
    "equity": ("Equidad", "Equity"),
    "no_equity": (
        "No se sabe si la campaña llegó a donde más falta hace: esta instalación no tiene una cuadrícula de "
        "población o de pobreza con que compararla.",
        "Whether the campaign reached those who need it most is not known: this installation has no grid of "
        "population or poverty to compare it with.",
    ),
    "not_asked": (
        "De quienes participaron no se sabe la edad, el género, los ingresos, si viven con una discapacidad "
        "ni dónde viven: no se les pregunta.",
        "Age, gender, income, disability and home of those who took part are not known: nobody asks them.",
    ),
    "only_here": ("… sin viajes fuera de esta campaña", "… with no trip outside of this campaign"),
    "part_of": ("{} de {} ({})", "{} of {} ({})"),
    "few_people": (
        "no se dice: menos de {} personas de un lado o del otro",
        "not told: fewer than {} people on one side or the other",
    ),
    "e_meaning": (
        "La cuadrícula pública de la instalación marca necesidad donde un viaje vale al menos una cuarta "
        "parte más. Un viaje o un sentido se cuenta ahí si al menos la mitad de su largo pasa por ahí.",
        "The public grid of this installation marks need where a trip is worth at least a quarter more. A "
        "trip or a direction is counted there if at least half of its length is there.",
    ),
    "e_km": ("Kilómetros de línea recorridos ahí", "Kilometres of line ridden there"),
    "e_directions": ("Sentidos recorridos ahí", "Directions ridden there"),
    "e_confirmed": ("… confirmados por esta campaña", "… confirmed by this campaign"),
    "e_rides": ("Viajes ahí", "Trips there"),
    "e_riders": ("Personas con algún viaje ahí", "People with a trip there"),
    "e_points": ("Puntos de los viajes ahí", "Points of trips there"),
    "e_verified": ("… confirmados, que cuentan para premios", "… confirmed, which count for prizes"),
    "e_prizes": (
        "Premios, en proporción a los puntos confirmados ahí",
        "Prizes, in proportion to confirmed points there",
    ),
    "e_prizes_each": ("… por sentido confirmado ahí", "… for each direction confirmed there"),
    "e_budget": (
        "Presupuesto, en proporción a los puntos confirmados ahí",
        "Budget, in proportion to confirmed points there",
    ),
    "e_budget_each": ("… por sentido confirmado ahí", "… for each direction confirmed there"),
    "unknown": ("Qué falta por saber", "What is still unknown"),
    "u_one": (
        "{} de {} sentidos recorridos los conoce una sola persona o sólo en parte.",
        "{} of {} directions ridden are known by one person alone or in part only.",
    ),
    "u_not_reached": (
        "{} de {} sentidos del mapa no los recorrió nadie en esta campaña.",
        "{} of {} directions of the map were ridden by nobody in this campaign.",
    ),
    "u_interval": (
        "De {} de {} recorridos no se sabe cada cuánto pasan.",
        "Of {} of {} patterns nobody knows how often they run.",
    ),
    "u_window": (
        "En {} de {} franjas de horario se vieron vehículos, muy pocos para decir cada cuánto pasan.",
        "In {} of {} stretches of the day vehicles were seen, too few to say how often they run.",
    ),
    "u_unnamed": (
        "{} de {} rutas no tienen un nombre en que coincidan quienes viajan.",
        "{} of {} routes have no name that riders agree on.",
    ),
    "u_no_line": (
        "{} de {} viajes no siguen ninguna ruta conocida: puede haber rutas que faltan.",
        "{} of {} trips follow no known route: there may be routes that are missing.",
    ),
    "u_late": (
        "{n} viaje llegó después de la última versión del mapa y aún no cuenta aquí.|"
        "{n} viajes llegaron después de la última versión del mapa y aún no cuentan aquí.",
        "{n} trip came after the last version of the map and does not count here yet.|"
        "{n} trips came after the last version of the map and do not count here yet.",
    ),
    "u_streets": (
        "Cuántas rutas tiene la ciudad no lo sabe este mapa: lo que nadie recorrió no se puede contar.",
        "How many routes the city has this map does not know: what nobody rode cannot be counted.",
    ),
    "forecast": (
        "Si se sigue viajando igual, faltan de {low} a {high} viajes más para que {target} de los casos de "
        "ruta, sentido y hora conocidos tengan quien los confirme; ahora lo tiene {now}.",
        "If people go on as they did, {low} to {high} more trips are needed until {target} of the known "
        "cells of route, direction and time of day are confirmed; {now} are now.",
    ),
    "no_forecast": (
        "Cuántos viajes más harían falta para cubrir la ciudad no se puede pronosticar con lo que hay.",
        "How many more trips would cover the city cannot be forecast from what there is.",
    ),
    "forecast_done": (
        "De los casos de ruta, sentido y hora conocidos, {now} tiene quien los confirme: la meta "
        "de {target} está alcanzada.",
        "Of the known cells of route, direction and time of day {now} are confirmed: the "
        "target of {target} is reached.",
    ),
    "forecast_open": (
        "Si se sigue viajando igual, faltan al menos {low} viajes más, y tal vez muchos más, para que "
        "{target} de los casos de ruta, sentido y hora conocidos tengan quien los confirme; ahora lo tiene "
        "{now}.",
        "If people go on as they did, at least {low} more trips are needed, and perhaps many more, until "
        "{target} of the known cells of route, direction and time of day are confirmed; {now} are now.",
    ),
    "waiting": (
        "{n} hallazgo sobre un viaje seguía sin revisar al hacer este informe.|"
        "{n} hallazgos sobre viajes seguían sin revisar al hacer este informe.",
        "{n} finding about a trip was still unreviewed when this report was made.|"
        "{n} findings about trips were still unreviewed when this report was made.",
    ),
    "table": ("Rutas publicadas, una por una", "Published routes, one by one"),
    "t_route": ("Ruta", "Route"),
    "t_to": ("Hacia", "Towards"),
    "t_rides": ("Viajes", "Trips"),
    "t_riders": ("La conocen", "Known by"),
    "t_before": ("Antes", "Before"),
    "t_km": ("Recorridos, km", "Ridden, km"),
    "t_share": ("De su largo", "Of its length"),
    "t_none": ("Ninguna ruta recorrida está publicada.", "No route that was ridden is published."),
    "t_more": ("… y {} más.", "… and {} more."),
    "check": ("Cómo comprobarlo", "How to check it"),
    "c_feed": ("Versión del mapa", "Version of the map"),
    "c_rules": ("Versión de las reglas", "Version of the rules"),
    "c_ledger": ("Líneas del libro de puntos", "Lines of the ledger"),
    "c_head": ("Huella de la última línea (SHA-256)", "Hash of the last line (SHA-256)"),
    "c_snapshot": ("Huella del cierre firmado (SHA-256)", "Hash of the signed end (SHA-256)"),
    "c_how": (
        "El cierre firmado se comprueba con su archivo y la llave pública: transitmap campaigns verify.",
        "The signed end is checked with its file and the public key: transitmap campaigns verify.",
    ),
    "made": ("Hecho el {}.", "Made on {}."),
    "unknown_value": ("desconocido", "unknown"),
    "none_confirmed": ("desconocido: nada quedó confirmado", "unknown: nothing was confirmed"),
    "c_riders": ("{n} persona|{n} personas", "{n} person|{n} people"),
    "c_rides": ("{n} viaje|{n} viajes", "{n} trip|{n} trips"),
    "c_days": ("{n} día|{n} días", "{n} day|{n} days"),
    "c_directions": ("{n} sentido|{n} sentidos", "{n} direction|{n} directions"),
    "page": ("página", "page"),
}
"""Name -> the Spanish words and the English ones. What counts has one form for 1 and one for others."""


@dataclass(frozen=True)
class Voice:
    """How one language says things; `locale` is es_MX or en."""

    locale: str
    currency: str
    timezone: str

    def say(self, name: str, *values: object, **named: object) -> str:
        """The words of a name, with values in them."""
        return WORDS[name][self.locale == "en"].format(*values, **named)

    def count(self, name: str, n: int) -> str:
        """So many of something."""
        one, many = WORDS[name][self.locale == "en"].split("|")
        return (one if n == 1 else many).format(n=self.number(n))

    def number(self, value: float, decimals: int = 0) -> str:
        """12,345.6: in Mexico as in English."""
        return f"{value:,.{decimals}f}"

    def km(self, metres: float) -> str:
        """Kilometres, with a decimal below ten."""
        return f"{self.number(metres / 1000, 0 if metres >= 10_000 else 1)} km"

    def percent(self, share: float) -> str:
        """A share of 0..1; what is neither nothing nor all is never told as 0 or 100."""
        return f"{min(max(round(share * 100), 1), 99) if 0 < share < 1 else round(share * 100)} %"

    def money(self, centavos: int) -> str:
        """An amount in the campaign's currency."""
        from babel.numbers import format_currency

        return str(format_currency(centavos / 100, self.currency, locale=self.locale))

    def day(self, time_s: float) -> str:
        """A day on the city's clock."""
        from babel.dates import format_date

        moment = datetime.datetime.fromtimestamp(time_s, ZoneInfo(self.timezone))
        return str(format_date(moment.date(), "long", locale=self.locale))

    def short_day(self, since_1970: int) -> str:
        """A day by its number, short."""
        from babel.dates import format_skeleton

        day = datetime.date(1970, 1, 1) + datetime.timedelta(days=since_1970)
        return str(
            format_skeleton("MMMd", datetime.datetime.combine(day, datetime.time(12)), locale=self.locale)
        )
