"""Who wins what in a campaign, for people and programs: out of the database, or out of the books alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.books.contest import Contest, award
from transitmap.books.export import contest_of, names_of, verified_of
from transitmap.books.layout import csv_text
from transitmap.books.verify import verify_books
from transitmap.errors import BooksWrong, ConfigError
from transitmap.points.prizes import AWARDS, Prizes

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COLUMNS = ("rider", "name", *(f"{award}_centavos" for award in AWARDS), "centavos", "cut_centavos")


@dataclass(frozen=True)
class Listed:
    """The prizes of one campaign, and its riders' public names, safe in spreadsheets; who hides has none."""

    contest: Contest
    found: Prizes
    names: Mapping[int, str]

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        found = self.found
        return {
            "campaign": self.contest.slug,
            "state": self.contest.state,
            "currency": self.contest.currency,
            "budget_centavos": found.budget_centavos,
            "paid_centavos": found.paid_centavos,
            "seed": found.seed,
            "tickets": found.n_tickets,
            "prizes": [{**asdict(one), "name": self.names.get(one.user_id, "")} for one in found.prizes],
            "drawn": [asdict(one) for one in found.drawn],
            "out": {str(user_id): why for user_id, why in sorted(found.out.items())},
        }

    def as_csv(self) -> str:
        """A row a winner, most money first."""
        return csv_text(COLUMNS, self.rows())

    def described(self) -> list[str]:
        """A line a winner, and what it comes to."""
        money, n = self.contest.currency, len(self.rows())
        lines = [
            f"{who}  {name or 'rider ' + str(who)}  {total / 100:.2f} {money}"
            for who, name, *_, total, _ in self.rows()
        ]
        told = "" if self.found.seed else "; the draw waits for its words (--seed)"
        paid, budget = self.found.paid_centavos / 100, self.found.budget_centavos / 100
        sums = f"{n} winners, {paid:.2f} of {budget:.2f} {money}, {len(self.found.out)} take no part{told}"
        return [*lines, f"{self.contest.slug} ({self.contest.state}): {sums}"]

    def rows(self) -> list[tuple[Any, ...]]:
        """A row a winner, most money first: COLUMNS."""
        amounts: dict[int, Counter[str]] = {}
        for one in self.found.prizes:
            sums = amounts.setdefault(one.user_id, Counter())
            sums[one.award] += one.amount_centavos
            sums["all"] += one.amount_centavos
            sums["cut"] += one.cut_centavos
        order = sorted(amounts, key=lambda who: (-amounts[who]["all"], who))
        return [
            (
                who,
                self.names.get(who, ""),
                *(amounts[who][name] for name in AWARDS),
                amounts[who]["all"],
                amounts[who]["cut"],
            )
            for who in order
        ]


def prizes_of_books(path: Path, slug: str, words: str | None = None) -> Listed:
    """The prizes that follow from the books alone, once they are found right.

    Raises:
        BooksWrong: they are not what was written.
        ConfigError: there is no such campaign.
    """
    verdict = verify_books(path)
    if verdict.n_flaws:
        first = verdict.flaws[0]
        raise BooksWrong(path.name, verdict.n_flaws, f"{first.code} {first.where}: {first.detail}")
    contest = _chosen(slug, list(verdict.contests.values()))
    return Listed(contest, verdict.prizes(contest.slug, words), verdict.names)


def prizes_of_database(
    database_url: str,
    slug: str,
    words: str | None,
    hold: Callable[[Session, store.Campaign, str], object] | None = None,
) -> Listed:
    """The prizes by the sums as they are now; `hold` writes them down as payouts before, as somebody decided.

    Raises:
        ConfigError: as `prizes_of_books`, or the campaign is not over and `hold` was asked.
    """
    store.upgrade(database_url)
    engine = store.open_engine(database_url)
    try:
        with store.session(engine, write=hold is not None) as session:
            rows = {row.slug: row for row in store.all_campaigns(session)}
            contest = _chosen(slug, [contest_of(session, row) for row in rows.values()])
            if hold is not None:
                hold(session, rows[contest.slug], words or contest.words)
            return prizes_of(session, rows[contest.slug], words)
    finally:
        engine.dispose()


def prizes_of(session: Session, campaign: store.Campaign, words: str | None = None) -> Listed:
    """The prizes of a campaign by the sums as they are now.

    Raises:
        ConfigError: its rules make no sense.
    """
    contest = contest_of(session, campaign)
    found = award(contest, verified_of(session, contest), words)
    return Listed(contest, found, names_of(session, campaign.id))


def _chosen(slug: str, contests: Sequence[Contest]) -> Contest:
    """The campaign of that name, or the only one with prizes."""
    some = (
        [one for one in contests if one.slug == slug] if slug else [one for one in contests if one.has_prizes]
    )
    if len(some) != 1:
        there = ", ".join(one.slug for one in contests if one.has_prizes)
        rule = f"must be one of those with prizes: {there}" if there else "no campaign has prizes"
        raise ConfigError("campaign", slug, rule)
    if not some[0].has_prizes:
        raise ConfigError("campaign", slug, "has no prizes")
    return some[0]
