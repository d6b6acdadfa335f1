"""What people decide about rules, prizes and one another: done, with a line of the ledger each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.books.hold import hold_prizes
from transitmap.errors import ConfigError, PayoutRefused
from transitmap.labelling import check_answer, subject_of
from transitmap.terms import city_day

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RULES, PRIZE, PRIZES, ROLE, CHECK = "proposal", "prize", "prizes", "role", "check"
RULE_NAMES = (RULES, PRIZE, PRIZES, store.PERSON, store.MET, ROLE, CHECK)
HELD, CHANGED, FIRST, PLANTED = "held", "changed", "first", "planted"
SENTENCES = {
    (store.PROPOSAL, "adopted"): (
        "La persona {who} de la organización adoptó las reglas propuestas «{version}».",
        "Organiser {who} adopted the proposed rules “{version}”.",
    ),
    (store.PROPOSAL, "refused"): (
        "La persona {who} de la organización no adoptó las reglas propuestas «{version}».",
        "Organiser {who} did not adopt the proposed rules “{version}”.",
    ),
    (PRIZES, HELD): (
        "La persona {who} de la organización calculó los premios: {n}, en total {amount} {currency}.",
        "Organiser {who} computed the prizes: {n}, {amount} {currency} in all.",
    ),
    (store.PAYOUT, "approved"): (
        "La persona revisora {who} aprobó un premio de {amount} {currency}; deben aprobarlo dos personas.",
        "Reviewer {who} approved of a prize of {amount} {currency}; two people must.",
    ),
    (store.PAYOUT, "refused"): (
        "La persona revisora {who} rechazó un premio de {amount} {currency}.",
        "Reviewer {who} refused a prize of {amount} {currency}.",
    ),
    (store.PAYOUT, "paid"): (
        "La persona revisora {who} anotó que se entregó un premio de {amount} {currency}.",
        "Reviewer {who} noted that a prize of {amount} {currency} was handed over.",
    ),
    (store.PERSON, store.SAME): (
        "La persona revisora {who} dijo que las cuentas {one} y {other} son de una sola persona.",
        "Reviewer {who} said that the accounts {one} and {other} are one person's.",
    ),
    (store.PERSON, store.TWO): (
        "La persona revisora {who} dijo que las cuentas {one} y {other} son de dos personas.",
        "Reviewer {who} said that the accounts {one} and {other} are two people's.",
    ),
    (store.MET, store.MET): (
        "La persona {who} del equipo dijo que conoce a quien lleva la cuenta {account}.",
        "Staff member {who} said to know the person of account {account}.",
    ),
    (store.MET, store.NOT_MET): (
        "La persona {who} del equipo dijo que no conoce a quien lleva la cuenta {account}.",
        "Staff member {who} said not to know the person of account {account}.",
    ),
    (CHECK, PLANTED): (
        "La persona {who} del equipo anotó una respuesta que ya se sabe: lo que se diga después se compara "
        "con ella.",
        "Staff member {who} noted an answer that is known; what is said from now on is compared with it.",
    ),
    (ROLE, CHANGED): (
        "La persona {who} de la organización dio a la cuenta {account} el papel de persona {role_es}; antes "
        "era {before_es}.",
        "Organiser {who} gave account {account} the role of {role_en}; before that: {before_en}.",
    ),
    (ROLE, FIRST): (
        "La cuenta {account} recibió el papel de persona {role_es} cuando aún no había organización; antes "
        "era {before_es}.",
        "Account {account} got the role of {role_en} while there was no organiser; before that: {before_en}.",
    ),
}
"""No name and no free words: the ledger forgets nothing, and both can be erased."""
ROLES = {
    "rider": ("viajera", "rider"),
    "reviewer": ("revisora", "reviewer"),
    "planner": ("planeadora", "planner"),
    "organiser": ("organizadora", "organiser"),
}
"""What an account may do, of the person (la persona revisora)."""


def decide_rules(
    session: Session,
    proposal: store.Proposal,
    verdict: str,
    organiser: store.User,
    reason: str,
    now_s: float,
    timezone: str,
) -> store.Decision:
    """Adopts or refuses proposed rules, and writes the line of whoever decided.

    Raises:
        ValueError: as `store.decide_proposal`.
    """
    store.lock_ledger(session)
    decision = store.decide_proposal(session, proposal, verdict, organiser.id, reason, now_s)
    _tell(session, rules_line(decision, proposal), now_s, timezone)
    return decision


def hold(
    session: Session,
    campaign: store.Campaign,
    words: str,
    organiser: store.User,
    now_s: float,
    timezone: str,
) -> list[store.Payout]:
    """Writes a campaign's prizes down as payouts that wait for two people, and the line of who did so.

    Raises:
        ConfigError: as `books.hold.hold_prizes`.
    """
    payouts = hold_prizes(session, campaign, words)
    owed = [one for one in payouts if one.amount_centavos]
    told = f"{len(owed)}|{sum(one.amount_centavos for one in owed)}"
    decision = store.add_decision(session, PRIZES, campaign.id, HELD, organiser.id, now_s, told)
    _tell(session, prizes_line(decision, campaign), now_s, timezone)
    return payouts


def decide_prize(
    session: Session,
    decide: Callable[[Session, int, store.User, float, str], store.Payout],
    payout_id: int,
    user: store.User,
    note: str,
    now_s: float,
    timezone: str,
) -> store.Payout:
    """One person's word on a prize, with its line: `decide` approves, refuses or pays it in the store.

    Raises:
        PayoutRefused: as `decide`.
    """
    store.lock_ledger(session)
    payout = decide(session, payout_id, user, now_s, note)
    decision = store.decisions_about(session, store.PAYOUT, [payout_id])[-1]
    campaign = store.refreshed_campaign(session, payout.campaign_id)
    _tell(session, prize_line(decision, payout, campaign), now_s, timezone)
    return payout


def approve_all(
    session: Session, campaign: store.Campaign, user: store.User, now_s: float, timezone: str
) -> int:
    """One person's approval of all that waits for it in a campaign, a decision and a line each; how many.

    This person's own prizes, and those of which this person approved before, are passed over.
    """
    store.lock_ledger(session)
    n = 0
    for payout in store.payouts_of_campaign(session, campaign.id):
        if payout.state != HELD:
            continue
        try:
            decide_prize(session, store.approve_payout, payout.id, user, "", now_s, timezone)
        except PayoutRefused as refused:
            if refused.reason not in ("own", "twice"):
                raise
        else:
            n += 1
    return n


def say_people(
    session: Session,
    user_id: int,
    other_id: int,
    verdict: str,
    decided_by: int,
    now_s: float,
    timezone: str,
) -> None:
    """Writes down that two accounts are one person's (`same`) or two people's; a line of each account."""
    store.lock_ledger(session)
    older, younger = sorted((user_id, other_id))
    decision = store.add_decision(
        session, store.PERSON, younger, verdict, decided_by, now_s, reason=str(older)
    )
    store.retie(session, now_s)
    for line in person_lines(decision):
        _tell(session, line, now_s, timezone)


def say_met(
    session: Session, user_id: int, is_met: bool, decided_by: int, now_s: float, timezone: str
) -> None:
    """Writes down that somebody of the staff knows the person of an account, or no longer.

    What is confirmed on trust follows at the next publication.
    """
    store.lock_ledger(session)
    verdict = store.MET if is_met else store.NOT_MET
    decision = store.add_decision(session, store.MET, user_id, verdict, decided_by, now_s)
    _tell(session, met_line(decision), now_s, timezone)


def give_role(
    session: Session, user: store.User, role: str, decided_by: int | None, now_s: float, timezone: str
) -> None:
    """Makes somebody who is there something else: what they may do, and so what is confirmed and paid.

    Without anybody who decides it is the account's own number: there was no organiser to do it.

    Raises:
        ConfigError: the role does not exist.
    """
    store.lock_ledger(session)
    before, who = user.role, decided_by or user.id
    store.set_role(session, user, role)
    decision = store.add_decision(session, ROLE, user.id, role, who, now_s, reason=before)
    _tell(session, role_line(decision), now_s, timezone)


def plant_check(
    session: Session, kind: str, about: str, answer: str, decided_by: int, now_s: float, timezone: str
) -> store.Check:
    """Writes down what is known of a route or stop: labels that come from now on are compared with it.

    The line tells no answer: whoever reads the books could say it without having been there.

    Raises:
        ConfigError: no such thing can be known, the answer makes no sense, or one is there already.
    """
    store.lock_ledger(session)
    route_id, stop_id = check_answer(kind, about, answer)
    if any(there[:2] == (kind, subject_of(route_id, stop_id)) for there in store.planted_checks(session)):
        raise ConfigError(kind, about, "has an answer already; what was compared with it stays")
    check = store.add_check(session, store.OWN_CAMPAIGN, kind, route_id, stop_id, answer, now_s)
    decision = store.add_decision(session, CHECK, check.id, PLANTED, decided_by, now_s)
    _tell(session, check_line(decision), now_s, timezone)
    return check


def _tell(session: Session, line: dict[str, Any], now_s: float, timezone: str) -> None:
    when = {"created_s": now_s, "day": city_day(now_s, timezone)}
    store.add_lines(session, [line | when])


# --- the lines -----------------------------------------------------------------------------------


def lines_of_decisions(session: Session) -> list[dict[str, Any]]:
    """The lines of all these decisions, made again from the tables; not when they were."""
    campaigns = {one.id: one for one in store.all_campaigns(session)}
    proposals = {str(one.id): one for one, _ in store.all_proposals(session)}
    payouts = {str(one.id): one for key in campaigns for one in store.payouts_of_campaign(session, key)}
    lines = []
    for decision in store.decisions_since(session, store.PROPOSAL, 0.0):
        lines.append(rules_line(decision, proposals[decision.subject_id]))
    for decision in store.decisions_since(session, store.PAYOUT, 0.0):
        payout = payouts[decision.subject_id]
        lines.append(prize_line(decision, payout, campaigns[payout.campaign_id]))
    for decision in store.decisions_since(session, PRIZES, 0.0):
        lines.append(prizes_line(decision, campaigns[int(decision.subject_id)]))
    for decision in store.decisions_since(session, store.PERSON, 0.0):
        lines += person_lines(decision)
    lines += [met_line(decision) for decision in store.decisions_since(session, store.MET, 0.0)]
    lines += [role_line(decision) for decision in store.decisions_since(session, ROLE, 0.0)]
    lines += [check_line(decision) for decision in store.decisions_since(session, CHECK, 0.0)]
    return lines


def rules_line(decision: store.Decision, proposal: store.Proposal) -> dict[str, Any]:
    """The line of whoever adopted or refused rules, in the campaign that they were proposed for."""
    said = {"who": decision.user_id, "version": proposal.rules_version}
    evidence = {"proposal": proposal.id, "version": proposal.rules_version}
    where = proposal.campaign_id, decision.user_id, proposal.rules_version
    return _line(decision, RULES, where, evidence, said)


def prizes_line(decision: store.Decision, campaign: store.Campaign) -> dict[str, Any]:
    """The line of whoever computed a campaign's prizes: how many, and what they come to."""
    n, amount = map(int, decision.reason.split("|"))
    said = {"who": decision.user_id, "n": n, "amount": f"{amount / 100:,.2f}", "currency": campaign.currency}
    where = campaign.id, decision.user_id, campaign.rules_version
    return _line(decision, PRIZES, where, {"prizes": n, "centavos": amount}, said)


def prize_line(decision: store.Decision, payout: store.Payout, campaign: store.Campaign) -> dict[str, Any]:
    """The line of whoever wins a prize: who decided what, and about which amount of which list."""
    amount, _, which = decision.reason.partition("|")
    said = {"who": decision.user_id, "amount": f"{int(amount) / 100:,.2f}", "currency": campaign.currency}
    evidence = {"payout": payout.id, "award": payout.award, "centavos": int(amount), "list": which}
    where = payout.campaign_id, payout.user_id, campaign.rules_version
    return _line(decision, PRIZE, where, evidence, said)


def person_lines(decision: store.Decision) -> list[dict[str, Any]]:
    """A line of each of two accounts that somebody says are one person's or two people's."""
    one, other = int(decision.reason), int(decision.subject_id)
    said, evidence = {"who": decision.user_id, "one": one, "other": other}, {"accounts": [one, other]}
    return [
        _line(decision, store.PERSON, (store.OWN_CAMPAIGN, account, ""), evidence, said)
        for account in (one, other)
    ]


def met_line(decision: store.Decision) -> dict[str, Any]:
    """The line of an account whose person somebody of the staff knows, or no longer."""
    account = int(decision.subject_id)
    said, where = {"who": decision.user_id, "account": account}, (store.OWN_CAMPAIGN, account, "")
    return _line(decision, store.MET, where, {"account": account}, said)


def role_line(decision: store.Decision) -> dict[str, Any]:
    """The line of an account that may do something else from now on."""
    account, before = int(decision.subject_id), decision.reason
    is_first = decision.user_id == account and before != "organiser"  # nobody gives a role to themselves
    (role_es, role_en), (before_es, before_en) = ROLES[decision.verdict], ROLES[before]
    said = {"who": decision.user_id, "account": account, "role_es": role_es, "role_en": role_en}
    said |= {"before_es": before_es, "before_en": before_en}
    evidence, where = {"account": account, "before": before}, (store.OWN_CAMPAIGN, account, "")
    return _line(decision, ROLE, where, evidence, said, FIRST if is_first else CHANGED)


def check_line(decision: store.Decision) -> dict[str, Any]:
    """The line of whoever of the staff noted an answer that is known."""
    evidence, where = {"check": int(decision.subject_id)}, (store.OWN_CAMPAIGN, decision.user_id, "")
    return _line(decision, CHECK, where, evidence, {"who": decision.user_id})


def _line(
    decision: store.Decision,
    rule: str,
    where: tuple[int, int, str],
    evidence: dict[str, Any],
    said: dict[str, Any],
    which: str = "",
) -> dict[str, Any]:
    """A line of 0 points; `where` are its campaign, its rider and the version of the rules."""
    campaign_id, user_id, version = where
    spanish, english = SENTENCES[decision.subject_kind, which or decision.verdict]
    told = {"decision": decision.id, "verdict": decision.verdict, "by": decision.user_id}
    return {
        "key": f"decision:{decision.id}:{user_id}",
        "campaign_id": campaign_id,
        "kind": "decision",
        "ride_id": None,
        "user_id": user_id,
        "rule": rule,
        "millipoints": 0,
        "verified_millipoints": 0,
        "rules_version": version,
        "network_version": store.NO_NETWORK,
        "evidence": told | evidence,
        "text_es": spanish.format(**said),
        "text_en": english.format(**said),
    }
