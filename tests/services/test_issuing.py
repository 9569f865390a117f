"""Issuing passes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, InvalidRequest, NotFound
from studio_reservations.models import ClassRegistration, CustomerStudio, OutboxMessage, PunchLedgerEntry, Role
from studio_reservations.services.issuing import issue_registration
from tests.factories import NOW, history_of, ledger_of, make_class, make_customer, make_studio, staff_actor


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def customer(db_session, studio):
    return make_customer(db_session, studio)


def issue(db_session, customer, studio, **changes):
    asked = {
        "customer_id": customer.id,
        "studio_id": studio.id,
        "pass_type": "punch_pass",
        "pass_options": {"sessions": 8},
        "now": NOW,
    }
    return issue_registration(db_session, **asked | changes)


def count(db_session, model):
    return db_session.scalar(select(func.count()).select_from(model))


def test_a_counted_pass_begins_with_its_punches_in_the_ledger(db_session, studio, customer):
    registration = issue(db_session, customer, studio, valid_until=date(2027, 3, 1), external_ref="order-17")

    assert (registration.sessions_included, registration.sessions_remaining) == (8, 8)
    assert (registration.status, registration.issued_at) == ("ACTIVE", NOW)
    assert ledger_of(db_session, registration.id) == [("ISSUED", 8, 8)]
    (act,) = history_of(db_session, registration.id)
    assert (act["action"], act["performed_by_kind"]) == ("registration.issued", "SYSTEM")
    assert act["details"]["external_ref"] == "order-17"
    assert db_session.scalars(select(OutboxMessage.event)).all() == ["registration.issued"]


def test_an_uncounted_pass_has_no_ledger(db_session, studio, customer):
    registration = issue(db_session, customer, studio, pass_type="unlimited_series", pass_options={})

    assert registration.sessions_remaining is None
    assert count(db_session, PunchLedgerEntry) == 0


def test_the_plugin_sets_the_terms_and_the_seller_may_set_the_limit(db_session, studio, customer):
    studio_class = make_class(db_session, studio, steps=3)

    course = issue(db_session, customer, studio, pass_type="full_course", pass_options={}, class_id=studio_class.id)
    unlimited = issue(db_session, customer, studio, max_advance_reservations=None)

    assert (course.requires_sequential_attendance, course.class_id) == (True, studio_class.id)
    assert course.max_advance_reservations == 3
    assert unlimited.max_advance_reservations is None


def test_a_shop_makes_the_customer_known_to_the_studio(db_session, studio):
    stranger = make_customer(db_session)

    issue(db_session, stranger, studio)

    assert db_session.scalars(select(CustomerStudio.customer_id)).all() == [stranger.id]


def test_a_shop_s_retry_gets_the_same_pass(db_session, studio, customer):
    first = issue(db_session, customer, studio, external_ref="order-17")
    again = issue(db_session, customer, studio, external_ref="order-17")

    assert again.id == first.id
    assert count(db_session, ClassRegistration) == 1
    assert ledger_of(db_session, first.id) == [("ISSUED", 8, 8)]
    assert len(history_of(db_session, first.id)) == 1


def test_a_reference_is_not_lent_to_another_pass(db_session, studio, customer):
    issue(db_session, customer, studio, external_ref="order-17")

    with pytest.raises(InvalidRequest) as refused:
        issue(db_session, make_customer(db_session, studio), studio, external_ref="order-17")
    assert list(refused.value.values["errors"]) == ["external_ref"]

    elsewhere = make_studio(db_session)
    assert issue(db_session, customer, elsewhere, external_ref="order-17").studio_id == elsewhere.id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pass_options": {"sessions": 0}}, "pass_options.sessions"),
        ({"pass_options": {"colour": "red"}}, "pass_options.colour"),
        ({"valid_from": date(2027, 1, 2), "valid_until": date(2027, 1, 1)}, "valid_until"),
        ({"valid_until": date.max}, "valid_until"),
        ({"max_advance_reservations": -1}, "max_advance_reservations"),
        ({"absence_grace_period_hours": 10**9}, "absence_grace_period_hours"),
        ({"external_ref": "x" * 201}, "external_ref"),
        ({"external_ref": ""}, "external_ref"),
    ],
)
def test_terms_that_cannot_be_are_named_and_nothing_is_stored(db_session, studio, customer, changes, field):
    with pytest.raises(InvalidRequest) as refused:
        issue(db_session, customer, studio, **changes)

    assert field in refused.value.values["errors"]
    assert count(db_session, ClassRegistration) == count(db_session, OutboxMessage) == 0


def test_a_pass_type_that_is_not_installed_cannot_be_issued(db_session, studio, customer):
    with pytest.raises(InvalidRequest) as refused:
        issue(db_session, customer, studio, pass_type="moon_pass")

    assert "punch_pass" in refused.value.values["errors"]["pass_type"]


def test_a_class_that_takes_no_such_pass_is_refused(db_session, studio, customer):
    studio_class = make_class(db_session, studio, allowed_pass_types=["full_course"])

    with pytest.raises(InvalidRequest):
        issue(db_session, customer, studio, class_id=studio_class.id)


def test_managers_issue_to_whom_their_studio_knows(db_session, studio, customer):
    assert issue(db_session, customer, studio, actor=staff_actor(studio)).customer_id == customer.id

    with pytest.raises(Forbidden):
        issue(db_session, customer, studio, actor=staff_actor(studio, Role.FRONT_DESK))
    with pytest.raises(NotFound):
        issue(db_session, make_customer(db_session), studio, actor=staff_actor(studio))
    with pytest.raises(NotFound):
        issue(db_session, customer, studio, actor=staff_actor(make_studio(db_session)))


def test_foreign_and_unknown_ids_are_not_found(db_session, studio, customer):
    other = make_studio(db_session)
    for changes in (
        {"customer_id": uuid4()},
        {"studio_id": uuid4()},
        {"class_id": uuid4()},
        {"class_id": make_class(db_session, other).id},
        {"customer_id": make_customer(db_session, erased_at=NOW).id},
    ):
        with pytest.raises(NotFound):
            issue(db_session, customer, studio, **changes)


def test_eight_calls_at_once_with_one_reference_issue_one_pass(engine):
    with Session(engine) as db_session:
        studio = make_studio(db_session)
        customer_id, studio_id = make_customer(db_session).id, studio.id
        db_session.commit()
    together = Barrier(8)

    def call(_):
        together.wait()
        with Session(engine) as db_session, db_session.begin():
            return issue_registration(
                db_session,
                customer_id=customer_id,
                studio_id=studio_id,
                pass_type="punch_pass",
                pass_options={"sessions": 8},
                external_ref="order-17",
                now=NOW,
            ).id

    with ThreadPoolExecutor(8) as threads:
        issued = list(threads.map(call, range(8)))

    with Session(engine) as db_session:
        assert len(set(issued)) == 1
        assert [count(db_session, model) for model in (ClassRegistration, CustomerStudio, OutboxMessage)] == [1, 1, 1]
        assert ledger_of(db_session, issued[0]) == [("ISSUED", 8, 8)]
