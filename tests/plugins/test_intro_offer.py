"""Once per customer, some days from the first visit: the example of `plugins/intro_offer`, by the services."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from studio_intro_offer import IntroOffer

from studio_reservations.errors import ReservationRefused
from studio_reservations.models import ClassRegistration, OutboxMessage
from studio_reservations.pass_types import Remaining
from studio_reservations.services.registrations import RegistrationService
from tests.factories import NOW, TORONTO, make_customer
from tests.plugins.life import Life, local, told

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def issued_again(life: Life, *, language: str | None = None, now=NOW + timedelta(days=100)) -> str:
    try:
        life.issue(life.ada, now=now)
    except ReservationRefused as refusal:
        return told(refusal, language=language)
    return "issued"


def cancel_pass(life: Life) -> None:
    service = RegistrationService(life.db_session, clock=lambda: NOW, pass_types=life.pass_types)
    service.cancel(registration_id=life.registration.id, actor=life.manager)


def test_a_customer_gets_it_once(db_session):
    life = Life(db_session, IntroOffer)
    messages = db_session.scalar(select(func.count(OutboxMessage.id)))

    assert issued_again(life) == (
        "intro_offer_taken: Intro offer taken. This offer is given once, and was on Tue 1 December. "
        "Ask the studio for another pass."
    )
    assert issued_again(life, language="fr").startswith(
        "intro_offer_taken: Offre découverte déjà prise. Cette offre est donnée une seule fois, et l’a été le "
    )
    assert db_session.scalar(select(func.count(ClassRegistration.id))) == 1
    assert db_session.scalar(select(func.count(OutboxMessage.id))) == messages
    assert life.issue(make_customer(db_session, life.studio)).pass_type == "intro_offer"


def test_one_that_was_cancelled_unused_does_not_count_and_a_used_one_does(db_session):
    life = Life(db_session, IntroOffer)
    cancel_pass(life)
    unused = issued_again(life)
    life.registration = db_session.scalars(select(ClassRegistration).where(ClassRegistration.status == "ACTIVE")).one()
    life.registration.sessions_attended = 1
    cancel_pass(life)

    assert unused == "issued"
    assert issued_again(life, now=NOW + timedelta(days=200)).startswith("intro_offer_taken")


def test_its_days_begin_with_the_first_visit(db_session):
    life = Life(db_session, IntroOffer, days=14)
    life.check_in(life.reserve("2026-12-04 18:30"))
    seventeenth = life.reserve("2026-12-17 23:00", now=local("2026-12-05 10:00"))

    assert seventeenth
    assert life.said("2026-12-18 09:00", now=local("2026-12-05 10:00")) == (
        "outside_intro_offer: Outside intro offer. This offer is for 14 days in a row. With what is reserved already, "
        "it reaches from Fri 4 December through Thu 17 December. "
        "Choose a session of those days, or cancel the others first."
    )
    assert life.said("2026-12-18 09:00", now=local("2026-12-05 10:00"), language="fr").startswith(
        "outside_intro_offer: Hors de l’offre découverte. Cette offre vaut 14 jours de suite."
    )


def test_an_earlier_visit_that_would_leave_a_later_one_outside_is_refused(db_session):
    life = Life(db_session, IntroOffer, days=7)
    life.reserve("2026-12-14 18:30")

    assert life.said("2026-12-07 18:30").startswith("outside_intro_offer")
    assert life.said("2026-12-08 18:30") == "reserved"


def test_a_cancelled_or_missed_first_visit_was_none(db_session):
    life = Life(db_session, IntroOffer, days=7)
    life.cancel(life.reserve("2026-12-04 18:30"))
    life.miss(life.reserve("2026-12-08 18:30"))

    assert life.said("2026-12-20 18:30", now=local("2026-12-09 10:00")) == "reserved"
    assert life.figures() == {"First visit": date(2026, 12, 20), "Last day": date(2026, 12, 26)}


def test_the_status_counts_the_days(db_session):
    life = Life(db_session, IntroOffer, days=7)

    assert life.status().remaining == Remaining(available=7, included=7, unit="day")
    life.check_in(life.reserve("2026-12-04 18:30"))
    assert life.status().remaining.available == 7
    assert life.status(now=local("2026-12-10 23:59")).remaining.available == 1
    assert life.status(now=local("2026-12-11 00:00")).remaining.available == 0
    assert life.status(now=local("2027-06-01 00:00")).remaining.available == 0
    assert life.figures(language="fr") == {"Première visite": date(2026, 12, 4), "Dernier jour": date(2026, 12, 10)}


def test_a_refusal_at_issue_knows_the_zone_in_which_its_instants_are_read(db_session):
    life = Life(db_session, IntroOffer)

    with pytest.raises(ReservationRefused) as refused:
        life.issue(life.ada)

    assert refused.value.values["timezone"] == TORONTO
