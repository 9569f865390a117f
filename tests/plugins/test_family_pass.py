"""Several people share punches: the example of `plugins/family_pass`, by the services."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from studio_family_pass import FamilyPass

from studio_reservations.errors import ClassNotCovered, InvalidRequest, NotFound
from studio_reservations.models import ClassRegistration, Customer, RegistrationMember
from studio_reservations.pass_types import Remaining
from studio_reservations.services.registrations import RegistrationService
from tests.factories import NOW, make_customer, make_policy, make_studio
from tests.plugins.life import Life

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class FamilyLife(Life):
    """A pass of 4 sessions that Ada shares with Ben, two in advance each."""

    ben: Customer


@pytest.fixture
def family(db_session):
    life = FamilyLife(db_session, FamilyPass, sessions=4, people=3, each=2)
    life.ben = make_customer(db_session, life.studio, name="Ben Potter")
    life.registration = life.issue(life.ada, members=[life.ben])
    return life


def test_whoever_comes_takes_a_punch_of_the_same_pass(family):
    hers, his = family.reserve("2026-12-07 18:30"), family.reserve("2026-12-08 18:30", by=family.ben)

    family.check_in(hers)
    family.check_in(his)

    assert family.ledger() == [("ISSUED", 4, 4), ("CHECK_IN", -1, 3), ("CHECK_IN", -1, 2)]
    assert family.status().remaining == Remaining(available=2, included=4, unit="punch")
    assert family.figures(as_staff=True) == {"People who came": 2}
    assert family.figures() == {}


def test_two_of_them_may_come_to_the_same_class(family):
    session = family.session("2026-12-07 18:30")

    assert [family.said(session), family.said(session, by=family.ben)] == ["reserved", "reserved"]
    assert family.said(session).startswith("already_reserved")


def test_nobody_takes_more_than_their_share_and_another_still_can(family):
    for day in (7, 8):
        family.reserve(f"2026-12-0{day} 18:30")

    assert family.said("2026-12-09 18:30") == (
        "share_taken: Share taken. Each person can hold 2 upcoming reservations of this pass. "
        "Attend or cancel one first, or let somebody else of the family come."
    )
    assert family.said("2026-12-09 18:30", language="fr") == (
        "share_taken: Part utilisée. Chaque personne peut avoir 2 réservations à venir sur cette carte. "
        "Venez d’abord ou annulez, ou laissez venir quelqu’un d’autre de la famille."
    )
    assert family.said("2026-12-09 18:30", by=family.ben) == "reserved"


def test_held_punches_are_nobody_elses(family):
    for day in (7, 8):
        family.reserve(f"2026-12-0{day} 18:30")
        family.reserve(f"2026-12-0{day} 20:30", by=family.ben)
    cleo = make_customer(family.db_session, family.studio, name="Cleo Potter")
    service = RegistrationService(family.db_session, clock=lambda: NOW, pass_types=family.pass_types)
    service.update(
        registration_id=family.registration.id, changes={"members": [family.ben.id, cleo.id]}, actor=family.manager
    )

    assert family.said("2026-12-09 18:30", by=cleo).startswith("punches_exhausted")


def test_a_cancelled_punch_is_free_and_a_missed_one_is_charged_where_the_studio_says_so(family):
    make_policy(family.db_session, family.studio, deduct_punch_on_no_show=True)
    cancelled, missed = family.reserve("2026-12-07 18:30"), family.reserve("2026-12-08 18:30", by=family.ben)

    family.cancel(cancelled)
    family.miss(missed)

    assert family.ledger()[1:] == [("NO_SHOW", -1, 3)]
    assert family.status().remaining.available == 3


def test_a_stranger_cannot_use_it(family):
    eve = make_customer(family.db_session, family.studio, name="Eve")

    with pytest.raises(NotFound):
        family.reserve("2026-12-07 18:30", by=eve)


def test_whoever_is_taken_off_the_pass_keeps_what_is_reserved_and_reserves_no_more(family):
    family.reserve("2026-12-07 18:30", by=family.ben)
    service = RegistrationService(family.db_session, clock=lambda: NOW, pass_types=family.pass_types)
    service.update(registration_id=family.registration.id, changes={"members": []}, actor=family.manager)

    with pytest.raises((NotFound, ClassNotCovered)):
        family.reserve("2026-12-08 18:30", by=family.ben)
    assert family.status().upcoming == 1


def test_more_people_than_the_pass_is_for_are_refused_at_issue_and_later(family, db_session):
    others = [make_customer(db_session, family.studio) for _ in range(3)]
    before = len(db_session.scalars(select(ClassRegistration.id)).all())

    with pytest.raises(InvalidRequest) as at_issue:
        family.issue(family.ada, members=others)
    service = RegistrationService(db_session, clock=lambda: NOW, pass_types=family.pass_types)
    with pytest.raises(InvalidRequest) as later:
        service.update(
            registration_id=family.registration.id,
            changes={"members": [one.id for one in others]},
            actor=family.manager,
        )

    told = {"members": "This pass takes at most 2 beside its holder."}
    assert at_issue.value.values["errors"] == later.value.values["errors"] == told
    assert len(db_session.scalars(select(ClassRegistration.id)).all()) == before


def test_a_member_whom_the_studio_does_not_know_is_not_found_and_nothing_is_issued(family, db_session):
    elsewhere = make_customer(db_session, make_studio(db_session))
    before = len(db_session.scalars(select(ClassRegistration.id)).all())

    with pytest.raises(NotFound):
        family.issue(family.ada, members=[elsewhere])

    assert len(db_session.scalars(select(ClassRegistration.id)).all()) == before
    assert db_session.scalars(select(RegistrationMember.customer_id)).all() == [family.ben.id]
