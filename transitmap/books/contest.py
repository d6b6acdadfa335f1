"""A campaign as its prizes see it: budget, rules, who takes part, the draw's words; and tables of that."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from transitmap.books.layout import csv_text
from transitmap.points.prizes import (
    Entrant,
    PrizeRules,
    Prizes,
    award_prizes,
    load_prize_rules,
    seed_of,
)

ENTRANTS = ("rider", "person", "team", "before", "out")
PRIZES = ("rider", "award", "centavos", "cut_centavos", "why")
DRAW = ("number", "ticket", "rider")
FACTS = {"staff": "is_staff", "erased": "is_erased", "open_finding": "has_open_finding"}


@dataclass(frozen=True)
class Contest:
    """All but the points that a campaign's prizes follow from. `words` are the draw's, empty before they are
    told. Entrants here have no points: these come out of the ledger."""

    campaign_id: int
    slug: str
    name_es: str
    name_en: str
    state: str
    opens_s: float | None
    closes_s: float | None
    frozen_s: float | None
    closed_s: float | None
    currency: str
    budget_centavos: int
    rules_version: str
    rules_toml: str
    prizes_toml: str
    snapshot_sha256: str
    signature: str
    words: str
    entrants: tuple[Entrant, ...]

    @property
    def has_prizes(self) -> bool:
        """Whether there is anything to win."""
        return bool(self.prizes_toml) and self.budget_centavos > 0

    def rules(self) -> PrizeRules:
        """Its rules of prizes.

        Raises:
            ConfigError: they make no sense.
        """
        return load_prize_rules(self.prizes_toml)


def award(contest: Contest, verified: Mapping[int, int], words: str | None = None) -> Prizes:
    """The prizes of a campaign by what its riders' verified points are (millipoints, by account).

    `words` are the draw's where they are not those of the contest.

    Raises:
        ConfigError: the rules make no sense.
    """
    rules = contest.rules()
    told = contest.words if words is None else words
    if not told:  # nobody knows the winners of the draw before the words are told
        rules = replace(rules, draw_permille=0)
    seed = seed_of(contest.slug, told) if told else ""
    those = [replace(one, verified_millipoints=verified.get(one.user_id, 0)) for one in contest.entrants]
    return award_prizes(those, contest.budget_centavos, rules, seed)


def entrants_csv(entrants: Sequence[Entrant]) -> str:
    """Who takes part, by number: `before` are the verified millipoints that the team has nothing of, `out`
    says what besides too few points keeps somebody out."""
    rows = ((one.user_id, one.person_id, one.team_id, one.before_millipoints, _out(one)) for one in entrants)
    return csv_text(ENTRANTS, rows)


def _out(one: Entrant) -> str:
    told = [word for word, name in FACTS.items() if getattr(one, name)]
    return " ".join(told + ([] if one.has_consent else ["no_consent"]))


def read_entrants(text: str) -> tuple[Entrant, ...]:
    """The entrants in a table of `entrants_csv`, without points.

    Raises:
        ValueError: it is no such table.
    """
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    if tuple(header) != ENTRANTS:
        raise ValueError(f"columns {header}")
    found = []
    for rider, person, team, before, out in rows:
        words = set(out.split())
        if words - {*FACTS, "no_consent"}:
            raise ValueError(f"rider {rider}: {out}")
        facts = {name: word in words for word, name in FACTS.items()}
        consent = "no_consent" not in words
        entrant = Entrant(int(rider), 0, int(team), has_consent=consent, person_id=int(person), **facts)
        found.append(replace(entrant, before_millipoints=int(before)))
    return tuple(found)


def prizes_csv(found: Prizes) -> str:
    """Every prize and the numbers it follows from; then why others get none."""
    rows = [
        (one.user_id, one.award, one.amount_centavos, one.cut_centavos, _told(one.evidence))
        for one in found.prizes
    ]
    return csv_text(PRIZES, [*rows, *((i, "", 0, 0, why) for i, why in sorted(found.out.items()))])


def _told(evidence: Mapping[str, object]) -> str:
    return "; ".join(
        f"{name} {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in evidence.items()
    )


def draw_csv(found: Prizes) -> str:
    """Every ticket drawn and who held it."""
    return csv_text(DRAW, ((one.number, one.ticket, one.user_id) for one in found.drawn))
