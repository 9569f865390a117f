"""A plugin is taken out of the portal while passes of it exist: what the customer, staff and programs see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from studio_reservations.database import run_in_transaction, transaction
from studio_reservations.models import Role, SessionReservation
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services.nights.running import sweep
from studio_reservations.services.tokens import create_token
from studio_reservations.state import current_state
from tests import host
from tests.api.client import Api
from tests.factories import (
    NOW,
    ledger_of,
    make_class,
    make_customer,
    make_policy,
    make_session,
    make_studio,
)
from tests.host import Clock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DOTTED = "tests.plugins.one_a_day:OneADay"
UNAVAILABLE = "This kind of pass cannot be used right now. It is not your doing, and nothing is lost."


@dataclass(kw_only=True)
class Studio:
    """A studio that charges for missed classes: Ada's pass of the plugin's, and two reservations with it."""

    app: Flask
    clock: Clock
    customer: Api
    desk: Api
    registration: str
    reservations: list[str]
    sessions: list[UUID]


@pytest.fixture
def studio(database_url: str) -> Iterator[Studio]:
    """Issue and reserve while the plugin is there; then make the portal again without it."""
    clock = Clock(NOW)
    with_plugin = host.create_app(database_url, clock=clock, config={"STUDIO_PASS_TYPES": (DOTTED,)})
    with with_plugin.app_context(), transaction() as session:
        made = make_studio(session, slug="clay")
        make_policy(session, made, deduct_punch_on_no_show=True)
        pottery, ada = make_class(session, made), make_customer(session, made, name="Ada")
        sessions = [make_session(session, pottery, starts_at=NOW + timedelta(days=day)).id for day in (2, 4, 6)]
        ids: dict[str, Any] = {"customer_id": str(ada.id), "studio": made.slug}
        tokens = {
            "customer": create_token(session, name="c", now=NOW, customer_id=ada.id),
            "desk": create_token(session, name="d", now=NOW, studio_id=made.id, role=Role.MANAGER),
        }
        session.commit()
    customer, desk = Api(with_plugin, token=tokens["customer"]), Api(with_plugin, token=tokens["desk"])
    issued = desk.post("/staff/registrations", **ids, pass_type="one_a_day").get_json()
    reservations = [
        customer.post("/reservations", session_id=str(one), registration_id=issued["id"]).get_json()["id"]
        for one in sessions[:2]
    ]
    host.dispose_engines(with_plugin)
    app = host.create_app(database_url, clock=clock)
    yield Studio(
        app=app,
        clock=clock,
        customer=Api(app, token=tokens["customer"]),
        desk=Api(app, token=tokens["desk"]),
        registration=issued["id"],
        reservations=reservations,
        sessions=sessions,
    )
    host.dispose_engines(app)
    installed_pass_types.cache_clear()


def test_the_customer_still_sees_the_pass_and_its_balance_and_that_it_cannot_be_used(studio):
    listed = studio.customer.get("/registrations")
    status = studio.customer.get(f"/registrations/{studio.registration}/status")

    assert listed.status_code == status.status_code == 200
    assert [one["id"] for one in listed.json["items"]] == [studio.registration]
    shown = status.json
    assert (shown["usable"], shown["code"], shown["fault"]) == (False, "pass_type_unavailable", None)
    assert shown["detail"].startswith(UNAVAILABLE)
    assert (shown["pass_label"], shown["status"]) == ("One a day", "ACTIVE")
    assert (shown["sessions"]["remaining"], shown["sessions"]["available"]) == (3, 1)
    assert shown["reservations"] == {"used": 2, "limit": 3}
    assert shown["figures"] == []


def test_the_list_of_sessions_stays_and_each_is_refused_with_a_sentence(studio):
    listed = studio.customer.get("/reservations/available", registration_id=studio.registration)

    assert listed.status_code == 200
    shown = listed.json["items"]
    assert [(one["code"], one["reservable"]) for one in shown] == [("pass_type_unavailable", False)] * 3
    assert all(one["detail"].startswith(UNAVAILABLE) for one in shown)


def test_nothing_new_can_be_reserved_with_it(studio):
    refused = studio.customer.post(
        "/reservations", session_id=str(studio.sessions[2]), registration_id=studio.registration
    )

    assert (refused.status_code, refused.json["code"]) == (409, "pass_type_unavailable")
    assert UNAVAILABLE in refused.json["detail"]


def test_check_in_still_charges_what_was_held(studio):
    studio.clock.now = NOW + timedelta(days=2)

    arrived = studio.desk.post(f"/staff/reservations/{studio.reservations[0]}/check-in")

    assert arrived.status_code == 200, arrived.json
    assert ledger(studio) == [("ISSUED", 3, 3), ("CHECK_IN", -1, 2)]


def test_what_is_reserved_can_be_cancelled(studio):
    cancelled = studio.customer.post(f"/reservations/{studio.reservations[0]}/cancel")

    assert cancelled.status_code == 200, cancelled.json
    assert ledger(studio) == [("ISSUED", 3, 3)]


@pytest.mark.parametrize("by_night", [False, True])
def test_a_no_show_charges_nothing_and_is_flagged(studio, by_night):
    studio.clock.now = NOW + timedelta(days=3)

    if by_night:
        detect_no_shows(studio)
    else:
        missed = studio.desk.post(f"/staff/reservations/{studio.reservations[0]}/no-show")
        assert missed.status_code == 200, missed.json

    row = stored(studio, studio.reservations[0])
    assert (row.status, row.punches_used, row.flags) == ("NO_SHOW", 0, ["no_show_not_charged"])
    assert ledger(studio) == [("ISSUED", 3, 3)]


def test_staff_see_why(studio):
    why = "No installed package and no setting brings a pass type 'one_a_day'."

    status = studio.desk.get(f"/registrations/{studio.registration}/status")
    listed = studio.desk.get("/staff/pass-types", studio="clay")
    changed = studio.desk.call(
        "PATCH", f"/staff/registrations/{studio.registration}", body={"valid_until": "2027-01-01"}
    )

    assert (status.status_code, status.json["usable"], status.json["fault"]) == (200, False, why)
    assert "one_a_day" not in [one["key"] for one in listed.json["items"]]
    assert (changed.status_code, changed.json["fault"]) == (200, why)


def test_staff_cannot_issue_another_and_read_which_there_are(studio):
    refused = studio.desk.post(
        "/staff/registrations", studio="clay", customer_id=customer_of(studio), pass_type="one_a_day"
    )

    assert refused.status_code == 422
    assert "punch_pass" in refused.json["errors"]["pass_type"]


def test_put_back_it_goes_on_as_before(studio, database_url):
    installed_pass_types.cache_clear()
    app = host.create_app(database_url, clock=studio.clock, config={"STUDIO_PASS_TYPES": (DOTTED,)})
    customer = Api(app)
    customer.headers = studio.customer.headers

    reserved = customer.post("/reservations", session_id=str(studio.sessions[2]), registration_id=studio.registration)

    assert reserved.status_code == 201, reserved.json
    assert customer.get(f"/registrations/{studio.registration}/status").get_json()["sessions"]["available"] == 0
    host.dispose_engines(app)


def detect_no_shows(studio: Studio) -> None:
    with studio.app.app_context():
        studio_id = run_in_transaction(lambda session: session.scalars(select(SessionReservation.studio_id)).first())
        assert studio_id is not None
        sweep(
            "detect_no_shows",
            opened=run_in_transaction,
            studio_id=studio_id,
            as_of=studio.clock.now,
            clock=studio.clock,
            pass_types=current_state().pass_types,
        )


def stored(studio: Studio, reservation_id: str) -> Any:
    with studio.app.app_context(), transaction() as session:
        row = session.get_one(SessionReservation, UUID(reservation_id))
        session.expunge(row)
        return row


def ledger(studio: Studio) -> list[tuple[str, int, int]]:
    with studio.app.app_context(), transaction() as session:
        return ledger_of(session, UUID(studio.registration))


def customer_of(studio: Studio) -> str:
    return str(stored(studio, studio.reservations[0]).customer_id)
