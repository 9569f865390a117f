"""What the desk reads of customers and passes, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from studio_reservations.models import Role
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services import customer_views as views
from studio_reservations.services.erasure import preview_erasure
from studio_reservations.services.merging import preview_merge
from studio_reservations.services.pass_cards import Standing, Wanted, cards_of, passes_of_customer, passes_of_studio
from studio_reservations.services.registrations import RegistrationService
from studio_reservations.services.stories import punches_of_pass, story_of_customer, story_of_pass
from tests.factories import (
    NOW,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_studio,
    make_suspension,
    staff_actor,
)


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def owner(studio):
    return staff_actor(studio, Role.OWNER)


@pytest.fixture
def ada(db_session, studio):
    return make_customer(db_session, studio, name="Ada Potter", phone="+14165550123")


@pytest.fixture
def session(db_session, studio):
    return make_session(db_session, make_class(db_session, studio), starts_at=NOW + timedelta(days=2))


def test_a_customer_is_listed_with_what_comes_next(db_session, studio, owner, ada, session):
    make_reservation(db_session, make_pass(db_session, ada, studio), session)
    make_pass(db_session, ada, studio, valid_until=(NOW - timedelta(days=9)).date())
    suspension = make_suspension(db_session, ada, studio)

    (row,) = views.customers_of_studio(
        db_session, actor=owner, studio=studio, q="(416) 555-0123", now=NOW, limit=9, region="CA"
    )

    assert (row.passes, row.comes_next, row.suspended_through) == (1, session.starts_at, suspension.ends_on)


def test_the_same_name_email_or_phone_is_told(db_session, studio, owner, ada):
    found = views.likely_duplicates(
        db_session, actor=owner, studio_id=studio.id, name=" ada  potter", email=ada.email.upper(), phone="416 555 0123"
    )

    assert found == [(ada, ("name", "e-mail", "phone"))]
    assert not views.likely_duplicates(
        db_session, actor=owner, studio_id=studio.id, name="Ada Potter", email=None, phone=None, but=ada.id
    )


def test_what_was_missed_says_whether_it_counts(db_session, studio, ada):
    past = make_session(db_session, make_class(db_session, studio), starts_at=NOW - timedelta(days=3))
    registration = make_pass(db_session, ada, studio)
    make_reservation(
        db_session,
        registration,
        past,
        status="NO_SHOW",
        counts_as_no_show=True,
        missed_at=past.ends_at,
        grace_ends_at=past.ends_at + timedelta(hours=24),
    )

    missed = views.missed_by(db_session, customer_id=ada.id, studio=studio, now=NOW)

    assert (missed.counting, [row.counts for row in missed.rows]) == (1, [True])
    assert views.missed_by(db_session, customer_id=ada.id, studio=studio, now=past.ends_at).counting == 0


def test_passes_are_found_and_carded(db_session, studio, owner, ada, session):
    types = installed_pass_types()
    registration = make_pass(db_session, ada, studio, valid_until=(NOW + timedelta(days=9)).date())
    make_reservation(db_session, registration, session)
    make_pass(db_session, ada, studio, pass_type="lunar_pass")

    def found(**wanted: Any) -> int:
        rows = passes_of_studio(
            db_session, actor=owner, studio=studio, wanted=Wanted(**wanted), pass_types=types, now=NOW, limit=9
        )
        return len(rows)

    assert (found(), found(ends_soon=True), found(missing=True), found(standing=Standing.OVER)) == (2, 1, 1, 0)
    rows = passes_of_customer(db_session, customer_id=ada.id, studio_id=studio.id)
    cards = {one.row.pass_type: one for one in cards_of(db_session, rows, timezone="UTC", now=NOW, pass_types=types)}
    assert [(one.starts_at, title) for one, title in cards["punch_pass"].coming] == [
        (session.starts_at, "Beginner Wheel Throwing")
    ]
    assert cards["punch_pass"].remaining.available == 4
    assert cards["lunar_pass"].fault is not None


def test_the_story_of_a_pass_is_also_its_customers(db_session, studio, owner, ada):
    registration = make_pass(db_session, ada, studio)
    RegistrationService(db_session, clock=lambda: NOW).adjust(
        registration_id=registration.id, delta=2, reason="Gift", actor=owner
    )

    (act,) = story_of_pass(db_session, registration_id=registration.id, limit=9)
    assert (act.action, act.reason, act.customer_name) == ("registration.changed", "Gift", "Ada Potter")
    assert story_of_customer(db_session, customer_id=ada.id, studio_id=studio.id, limit=9) == [act]
    entries = punches_of_pass(db_session, registration_id=registration.id, limit=9)
    assert [(one.entry_type, one.balance) for one in entries] == [("ADJUSTMENT", 7), ("ISSUED", 5)]


def test_what_a_merge_moves_and_what_an_erasure_takes_are_counted(db_session, studio, owner, ada, session):
    again = make_customer(db_session, studio, name="A. Potter")
    make_reservation(db_session, make_pass(db_session, again, studio), session)
    terms = {"studio_id": studio.id, "actor": owner, "now": NOW}

    preview = preview_merge(db_session, keep_id=ada.id, merge_id=again.id, **terms)
    assert (preview.passes, preview.reservations, preview.coming, preview.refusal) == (1, 1, 1, None)
    erasure = preview_erasure(db_session, customer_id=again.id, **terms)
    assert (erasure.passes, erasure.reservations, erasure.coming, erasure.elsewhere) == (1, 1, 1, False)

    make_reservation(db_session, make_pass(db_session, ada, studio), session)
    preview = preview_merge(db_session, keep_id=ada.id, merge_id=again.id, **terms)
    assert preview.refusal is not None
    assert [one.id for one in preview.clashes] == [session.id]
