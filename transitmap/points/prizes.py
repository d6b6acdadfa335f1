"""Verified points, a budget, rules, a seed -> prizes: whole centavos, and the same list for whoever asks."""

from __future__ import annotations

import hashlib
import heapq
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib import resources
from typing import Any

from transitmap.errors import ConfigError
from transitmap.strict_toml import check_keys, is_whole

FIRST, TEAM, STEPS, DRAW = AWARDS = ("first", "team", "steps", "draw")
"""The kinds of prizes, in the order in which they are paid up to what one person may get."""
REASONS = ("staff", "no_consent", "erased", "open_finding", "too_few_points")
"""Why somebody takes no part; the first that holds is told."""
MAX_DRAWS, MAX_WORDS = 100_000, 300
MILLIPOINTS_PER_TICKET = 1_000
DAY_S = 86_400
NUMBERS = {
    "parts": dict.fromkeys(
        ("first_permille", "teams_permille", "steps_permille", "draw_permille"), (0, 1000)
    ),
    "first": {"full_at_permille": (1, 1000)},
    "teams": {"full_at_permille": (1, 1000)},
    "steps": {"step_centavos": (1, 10**9)},
    "draw": {"prize_centavos": (1, 10**9)},
    "person": {"most_permille": (1, 1000), "least_points": (0, 10**6)},
    "pay": {"hold_days": (14, 366)},
}
"""Least and most of every number; money waits for 14 days at least."""
OTHERS = {"first": {"shares"}, "teams": {"shares"}, "draw": {"words_from"}}


@dataclass(frozen=True)
class PrizeRules:
    """How a budget becomes prizes: published data, `points/prizes.toml` explains each."""

    version: str
    first_permille: int
    teams_permille: int
    steps_permille: int
    draw_permille: int
    first_shares: tuple[int, ...]
    first_full_at_permille: int
    team_shares: tuple[int, ...]
    team_full_at_permille: int
    step_centavos: int
    prize_centavos: int
    words_from: str
    most_permille: int
    least_millipoints: int
    hold_days: int


@dataclass(frozen=True)
class Entrant:
    """Somebody with points in a campaign. `user_id` grows with every new account: the smaller is the older.

    `person_id` is the oldest account of the same person where several are known to be one. `team_id` is 0
    for nobody's team, which nothing of `before_millipoints` counts for: what was verified before joining it.
    """

    user_id: int
    verified_millipoints: int
    team_id: int = 0
    is_staff: bool = False
    has_consent: bool = True
    is_erased: bool = False
    has_open_finding: bool = False
    person_id: int = 0
    before_millipoints: int = 0

    @property
    def team_millipoints(self) -> int:
        """What the team has of it."""
        return max(0, self.verified_millipoints - self.before_millipoints)


@dataclass(frozen=True)
class Prize:
    """What one person gets in one kind of prize, and how much of it fell to a limit (`cut_centavos`).

    `evidence` holds every number that the amount follows from.
    """

    user_id: int
    award: str
    amount_centavos: int
    cut_centavos: int
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """One ticket of the draw, by the order of their numbers: ticket `ticket`, from 0, of that account."""

    number: int
    ticket: int
    user_id: int


@dataclass(frozen=True)
class Prizes:
    """All that a campaign pays. `out` says why who takes no part does not; `seed` is the draw's."""

    prizes: tuple[Prize, ...]
    drawn: tuple[Drawn, ...]
    out: dict[int, str]
    seed: str
    n_tickets: int
    budget_centavos: int

    @property
    def paid_centavos(self) -> int:
        """The sum of all prizes, never more than the budget."""
        return sum(prize.amount_centavos for prize in self.prizes)


def award_prizes(entrants: Iterable[Entrant], budget_centavos: int, rules: PrizeRules, seed: str) -> Prizes:
    """Who gets what: by person, first the ranked prizes, then the team's, the steps and the draw.

    The order of `entrants` means nothing. Accounts of one person are one, paid to the oldest, who takes part
    where none of them may not. Equal points share the sum of their ranks' prizes; centavos that cannot be
    divided go one each to the older accounts. What one person may get at most is filled in this order.

    Raises:
        ValueError: an account stands there twice, or the budget is below 0.
    """
    people, out = _people(entrants, rules)
    if budget_centavos < 0:
        raise ValueError(f"a budget of {budget_centavos} centavos")
    total = sum(person.verified_millipoints for person in people)
    parts = [budget_centavos * permille // 1000 for permille in _parts(rules)]
    drawn = _draw(people, parts[3] // rules.prize_centavos, seed)
    n_tickets = sum(map(_n_tickets, people))
    found = [
        *_first(people, parts[0], rules, total),
        *_teams(people, parts[1], rules, total),
        *_steps(people, parts[2], rules, total),
        *_won(drawn, rules),
    ]
    limited = _limited(found, budget_centavos * rules.most_permille // 1000)
    return Prizes(limited, drawn, out, seed, n_tickets, budget_centavos)


def seed_of(campaign: str, words: str) -> str:
    """The seed of a campaign's draw, 64 hexadecimal digits.

    Nothing is in it that anybody of the campaign could choose once the words are known.
    """
    return hashlib.sha256(f"transitmap draw|{campaign}|{words}".encode()).hexdigest()


def number_of(seed: str, user_id: int, ticket: int) -> bytes:
    """The number of a ticket, which no other ticket and nobody else's points change."""
    return hashlib.sha256(f"{seed}|{user_id}|{ticket}".encode()).digest()


def why_not(entrant: Entrant, rules: PrizeRules) -> str:
    """Why somebody takes no part, as a word of REASONS; empty for who does."""
    holds = (
        entrant.is_staff,
        not entrant.has_consent,
        entrant.is_erased,
        entrant.has_open_finding,
        entrant.verified_millipoints < max(1, rules.least_millipoints),
    )
    return next((reason for reason, is_so in zip(REASONS, holds, strict=True) if is_so), "")


def hold_until_s(frozen_s: float, rules: PrizeRules) -> float:
    """When the prizes of a campaign that was frozen then may be paid."""
    return frozen_s + rules.hold_days * DAY_S


# --- people --------------------------------------------------------------------------------------


def _people(entrants: Iterable[Entrant], rules: PrizeRules) -> tuple[list[Entrant], dict[int, str]]:
    """Those who take part, one entrant a person, oldest account first; and why the others do not."""
    people: dict[int, list[Entrant]] = {}
    seen = set[int]()
    for entrant in sorted(entrants, key=lambda one: one.user_id):
        if entrant.user_id in seen:
            raise ValueError(f"account {entrant.user_id} stands there twice")
        seen.add(entrant.user_id)
        people.setdefault(entrant.person_id or entrant.user_id, []).append(entrant)
    merged = sorted((_merged(accounts) for accounts in people.values()), key=lambda one: one.user_id)
    reasons = {person.user_id: why_not(person, rules) for person in merged}
    out = {one.user_id: reasons[accounts[0].user_id] for accounts in people.values() for one in accounts}
    return [one for one in merged if not reasons[one.user_id]], {i: why for i, why in out.items() if why}


def _merged(accounts: Sequence[Entrant]) -> Entrant:
    """The accounts of one person, oldest first, as one: what keeps one of them out keeps out all.

    Its team is that of the oldest account, and has what accounts in it brought.
    """
    verified = sum(max(0, one.verified_millipoints) for one in accounts)
    team_id = accounts[0].team_id
    return replace(
        accounts[0],
        verified_millipoints=verified,
        before_millipoints=verified - sum(one.team_millipoints for one in accounts if one.team_id == team_id),
        is_staff=any(one.is_staff for one in accounts),
        has_consent=all(one.has_consent for one in accounts),
        is_erased=any(one.is_erased for one in accounts),
        has_open_finding=any(one.has_open_finding for one in accounts),
    )


# --- the four kinds ------------------------------------------------------------------------------


def _parts(rules: PrizeRules) -> tuple[int, int, int, int]:
    return rules.first_permille, rules.teams_permille, rules.steps_permille, rules.draw_permille


def _first(people: Sequence[Entrant], part: int, rules: PrizeRules, total: int) -> list[Prize]:
    points = {person.user_id: person.verified_millipoints for person in people}
    ranked = _ranked(points, _cut_up(part, rules.first_shares), rules.first_full_at_permille, total)
    return [
        Prize(user_id, FIRST, amount, cut, {**evidence, "of_millipoints": total})
        for user_id, (amount, cut, evidence) in ranked.items()
    ]


def _teams(people: Sequence[Entrant], part: int, rules: PrizeRules, total: int) -> list[Prize]:
    """A team's prize, shared by what its members brought since they joined."""
    members: dict[int, list[Entrant]] = {}
    for person in people:
        if person.team_id and person.team_millipoints:
            members.setdefault(person.team_id, []).append(person)
    points = {team: sum(one.team_millipoints for one in those) for team, those in members.items()}
    ranked = _ranked(points, _cut_up(part, rules.team_shares), rules.team_full_at_permille, total)
    found = []
    for team_id, (amount, cut, evidence) in ranked.items():
        brought = [one.team_millipoints for one in members[team_id]]
        shares = zip(members[team_id], _divide(amount, brought), _divide(cut, brought), strict=True)
        told = {"team_id": team_id, "team_centavos": amount, "team_millipoints": points[team_id]}
        for one, mine, my_cut in shares:
            own = {"rank": evidence["rank"], "n_tied": evidence["n_tied"], **told}
            own |= {"millipoints": one.team_millipoints, "of_millipoints": total}
            found.append(Prize(one.user_id, TEAM, mine, my_cut, own))
    return found


def _steps(people: Sequence[Entrant], part: int, rules: PrizeRules, total: int) -> list[Prize]:
    found = []
    for person in people:
        n_steps = person.verified_millipoints * part // (total * rules.step_centavos)
        evidence = {"n_steps": n_steps, "step_centavos": rules.step_centavos}
        evidence |= {"millipoints": person.verified_millipoints, "of_millipoints": total}
        found.append(Prize(person.user_id, STEPS, n_steps * rules.step_centavos, 0, evidence))
    return found


def _draw(people: Sequence[Entrant], n_prizes: int, seed: str) -> tuple[Drawn, ...]:
    """The tickets with the lowest numbers and who holds them."""
    lowest = heapq.nsmallest(min(n_prizes, MAX_DRAWS), _numbered(people, seed) if n_prizes else ())
    return tuple(Drawn(place, ticket, user_id) for place, (_, user_id, ticket) in enumerate(lowest))


def _numbered(people: Sequence[Entrant], seed: str) -> Iterator[tuple[bytes, int, int]]:
    """The number, the account and the place there of every ticket."""
    for one in people:
        for ticket in range(_n_tickets(one)):
            yield number_of(seed, one.user_id, ticket), one.user_id, ticket


def _n_tickets(one: Entrant) -> int:
    return one.verified_millipoints // MILLIPOINTS_PER_TICKET


def _won(drawn: Sequence[Drawn], rules: PrizeRules) -> list[Prize]:
    numbers: dict[int, list[int]] = {}
    for one in drawn:
        numbers.setdefault(one.user_id, []).append(one.number)
    return [
        Prize(user_id, DRAW, len(those) * rules.prize_centavos, 0, {"draws": those})
        for user_id, those in numbers.items()
    ]


# --- ranks, shares, limits -----------------------------------------------------------------------

Ranked = dict[int, tuple[int, int, dict[str, Any]]]
"""(centavos, centavos cut because they hold more than a full prize needs, evidence), by id."""


def _cut_up(part: int, shares: Sequence[int]) -> list[int]:
    """The prizes of the ranks."""
    return [part * share // sum(shares) for share in shares]


def _ranked(points: Mapping[int, int], prizes: Sequence[int], full_at_permille: int, total: int) -> Ranked:
    """The prizes of ranks 1, 2 ... by points. The sum of tied ranks' prizes is shared, the older first."""
    found: Ranked = {}
    groups: dict[int, list[int]] = {}
    for one, have in sorted(points.items()):
        groups.setdefault(have, []).append(one)
    first = 0
    for have in sorted(groups, reverse=True):
        tied = groups[have]
        full = sum(prizes[first : first + len(tied)])
        ratio = Fraction(1000 * have, full_at_permille * total)
        amount, without_limit = int(full * min(ratio, Fraction(1))), int(full * ratio)
        cuts = _divide(without_limit - amount, [1] * len(tied))
        evidence = {"rank": first + 1, "n_tied": len(tied), "full_centavos": full, "millipoints": have}
        for one, mine, cut in zip(tied, _divide(amount, [1] * len(tied)), cuts, strict=True):
            found[one] = mine, cut, evidence
        first += len(tied)
        if first >= len(prizes):
            break
    return found


def _divide(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount divided by weights, rounded down; what is left goes one each to the first."""
    shares = [amount * weight // sum(weights) for weight in weights]
    left = amount - sum(shares)
    return [share + (1 if index < left else 0) for index, share in enumerate(shares)]


def _limited(prizes: Iterable[Prize], most_centavos: int) -> tuple[Prize, ...]:
    """By person and in the order of AWARDS, up to what one person may get; lines of nothing are left out."""
    left: dict[int, int] = {}
    found = []
    for prize in sorted(prizes, key=lambda one: (one.user_id, AWARDS.index(one.award))):
        amount = min(prize.amount_centavos, left.get(prize.user_id, most_centavos))
        left[prize.user_id] = left.get(prize.user_id, most_centavos) - amount
        cut = prize.cut_centavos + prize.amount_centavos - amount
        if amount or cut:
            found.append(replace(prize, amount_centavos=amount, cut_centavos=cut))
    return tuple(found)


# --- rules ---------------------------------------------------------------------------------------


def load_prize_rules(text: str = "") -> PrizeRules:
    """The rules in a TOML text, or the ones that come with transitmap.

    Raises:
        ConfigError: the text is no TOML, lacks a rule, has an unknown one, or a number makes no sense.
    """
    try:
        tables = tomllib.loads(text or published_prizes())
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("prizes", "", f"no TOML: {error}") from error
    return parse_prize_rules(tables)


def published_prizes() -> str:
    """The rules of prizes that come with transitmap, as TOML."""
    return resources.files("transitmap.points").joinpath("prizes.toml").read_text(encoding="utf-8")


def parse_prize_rules(tables: dict[str, Any]) -> PrizeRules:
    """The rules as read from TOML, every key checked.

    Raises:
        ConfigError: as `load_prize_rules`.
    """
    _check_keys(tables)
    _check_numbers(tables)
    parts, first, teams, person = tables["parts"], tables["first"], tables["teams"], tables["person"]
    return PrizeRules(
        version=tables["version"],
        **parts,
        first_shares=_shares("first", first["shares"]),
        first_full_at_permille=first["full_at_permille"],
        team_shares=_shares("teams", teams["shares"]),
        team_full_at_permille=teams["full_at_permille"],
        step_centavos=tables["steps"]["step_centavos"],
        prize_centavos=tables["draw"]["prize_centavos"],
        words_from=tables["draw"]["words_from"],
        most_permille=person["most_permille"],
        least_millipoints=1000 * person["least_points"],
        hold_days=tables["pay"]["hold_days"],
    )


def _check_keys(tables: dict[str, Any]) -> None:
    keys = {name: set(numbers) | OTHERS.get(name, set()) for name, numbers in NUMBERS.items()}
    check_keys("prizes", tables, {"version": set()} | keys)


def _check_numbers(tables: dict[str, Any]) -> None:
    for name, numbers in NUMBERS.items():
        for key, (least, most) in numbers.items():
            value = tables[name][key]
            if not is_whole(value) or not least <= value <= most:
                raise ConfigError(f"{name}.{key}", value, f"must be a whole number from {least} to {most}")
    if sum(tables["parts"].values()) > 1000:
        raise ConfigError("parts", sum(tables["parts"].values()), "must be 1000 in all, or less")
    version, words = tables["version"], tables["draw"]["words_from"]
    if not isinstance(version, str) or not 1 <= len(version) <= 64:
        raise ConfigError("version", version, "must be a text of 1 to 64 characters")
    least = 1 if tables["parts"]["draw_permille"] else 0
    if not isinstance(words, str) or not least <= len(words.strip()) <= MAX_WORDS:
        raise ConfigError("draw.words_from", words, "must say by which public number is drawn")


def _shares(name: str, given: Any) -> tuple[int, ...]:
    """Never rising: a lower rank must not be worth more."""
    if not isinstance(given, list) or not 1 <= len(given) <= 1000 or not all(map(is_whole, given)):
        raise ConfigError(f"{name}.shares", given, "must be a list of 1 to 1000 whole numbers")
    if not all(10**6 >= a >= b >= 1 for a, b in zip(given, given[1:] + given[-1:], strict=True)):
        raise ConfigError(f"{name}.shares", given, "must be from 1 to 1000000, never rising")
    return tuple(given)
