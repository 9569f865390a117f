"""A write that is sent again with its key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import create_engine, func, select, text

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    IdempotencyRecord,
    ReservationHistory,
    Role,
    SessionReservation,
    StudioStaff,
)
from studio_reservations.services.erasure import erase_customer
from tests.api.client import Api
from tests.factories import NOW, make_reservation

KEY = {"Idempotency-Key": "order-17"}


def reservations(stored) -> int:
    with stored() as db_session:
        return db_session.scalar(select(func.count()).select_from(SessionReservation))


def test_the_same_write_gets_the_same_answer_byte_for_byte(api, world, stored, clock):
    ada = api("ada")
    first = ada.post("/reservations", headers=KEY, session_id=world.later_session)
    clock.advance(hours=1)

    again = ada.post("/reservations", headers=KEY, session_id=world.later_session)

    assert again.data == first.data
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert reservations(stored) == 2


def test_the_same_key_with_another_body_is_refused(api, world):
    ada = api("ada")
    ada.post("/reservations", headers=KEY, session_id=world.later_session)

    refused = ada.post("/reservations", headers=KEY, session_id=world.session)

    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_belongs_to_one_caller_and_one_path(api, world):
    ada, eve = api("ada"), api("eve")
    ada.post("/reservations", headers=KEY, session_id=world.later_session)

    of_another = eve.post("/reservations", headers=KEY, session_id=world.later_session)
    elsewhere = ada.post(f"/reservations/{world.reservation}/cancel", headers=KEY)

    assert of_another.json["customer_id"] == str(world.eve)
    assert elsewhere.json["status"] == "CANCELLED"


def test_a_refusal_is_not_remembered(api, world, stored):
    with stored() as db_session:
        db_session.get(ClassSession, world.later_session).seats_taken = 2
    ada = api("ada")
    refused = ada.post("/reservations", headers=KEY, session_id=world.later_session)
    with stored() as db_session:
        db_session.get(ClassSession, world.later_session).seats_taken = 1

    made = ada.post("/reservations", headers=KEY, session_id=world.later_session)

    assert (refused.status_code, made.status_code) == (409, 201)


def test_after_a_day_the_key_is_free_again(api, world, clock):
    ada = api("ada")
    first = ada.post(f"/reservations/{world.reservation}/cancel", headers=KEY)
    clock.advance(hours=24)

    again = ada.post(f"/reservations/{world.reservation}/cancel", headers=KEY, reason="Now with a reason")

    assert (first.status_code, again.status_code) == (200, 200)


def test_deletes_are_told_apart_by_their_query(api, world):
    ada = api("ada")
    ada.delete(f"/reservations/{world.reservation}", headers=KEY)

    refused = ada.delete(f"/reservations/{world.reservation}", headers=KEY, if_free=True)

    assert refused.json["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "x" * 256, "n\u00e4chste"])
def test_a_key_must_be_short_and_plain(api, world, key):
    refused = api("ada").post("/reservations", headers={"Idempotency-Key": key}, session_id=world.later_session)

    assert (refused.status_code, set(refused.json["errors"])) == (422, {"Idempotency-Key"})


def test_a_bulk_check_in_is_remembered_after_its_last_row(api, world, stored, clock):
    clock.advance(days=7)
    desk = api("front_desk")
    wanted = {"customer_ids": [str(world.ada), str(world.eve)]}

    first = desk.post(f"/staff/sessions/{world.session}/check-in", headers=KEY, **wanted)
    again = desk.post(f"/staff/sessions/{world.session}/check-in", headers=KEY, **wanted)

    assert [one["customer_id"] for one in first.json["checked_in"]] == [str(world.ada)]
    assert [(one["customer_id"], one["code"]) for one in first.json["refused"]] == [(str(world.eve), "not_found")]
    assert again.data == first.data
    with stored() as db_session:
        acts = db_session.scalars(
            select(ReservationHistory.action).where(ReservationHistory.reservation_id == world.reservation)
        ).all()
        assert acts == ["reservation.checked_in"]
        assert db_session.scalar(select(func.count()).select_from(IdempotencyRecord)) == 1


def remembered(stored) -> int:
    with stored() as db_session:
        return db_session.scalar(select(func.count()).select_from(IdempotencyRecord))


def test_a_bulk_check_in_that_is_refused_frees_its_key(api, world, stored):
    body = {"customer_ids": [str(world.ada)]}

    refused = api("manager").post(f"/staff/sessions/{UUID(int=1)}/check-in", headers=KEY, **body)

    assert (refused.status_code, remembered(stored)) == (404, 0)


def test_answers_are_forgotten_after_a_day(api, world, stored, clock):
    desk = api("write")
    for number in range(3):
        desk.post("/staff/customers", headers={"Idempotency-Key": f"old-{number}"}, name=f"Guest {number}")
    clock.advance(hours=24)

    desk.post("/staff/customers", headers=KEY, name="Somebody new")

    assert remembered(stored) == 1


def test_answers_that_name_an_erased_customer_are_forgotten(api, world, stored):
    desk = api("write")
    ada = api("customer").patch("/me", headers=KEY, phone="416 555 0123").json["customer"]
    desk.post("/staff/customers", headers=KEY, name="Somebody else")
    assert remembered(stored) == 2

    with stored() as db_session:
        erase_customer(db_session, customer_id=UUID(ada["id"]), now=NOW)

    assert remembered(stored) == 1


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.OWNER])
def test_whoever_has_another_role_by_now_gets_the_answer_they_got_and_no_second_effect(role, api, world, stored):
    manager = api("manager")
    path, body = f"/staff/registrations/{world.ada_pass}/adjust", {"delta": 1, "reason": "A gift."}
    first = manager.post(path, headers=KEY, **body)
    with stored() as db_session:
        staff = select(StudioStaff).where(StudioStaff.user_id == world.users["manager"].get_id())
        db_session.scalars(staff).one().role = role

    again = manager.post(path, headers=KEY, **body)

    assert (first.status_code, again.data) == (200, first.data)
    with stored() as db_session:
        given = db_session.get_one(ClassRegistration, world.ada_pass).sessions_remaining
    assert given == first.json["sessions_remaining"]


def checked_in(stored) -> set[UUID]:
    with stored() as db_session:
        here = select(SessionReservation.customer_id).where(SessionReservation.status == "CHECKED_IN")
        return set(db_session.scalars(here))


def reserve_for_eve(stored, world) -> None:
    with stored() as db_session:
        make_reservation(
            db_session,
            db_session.get_one(ClassRegistration, world.eve_pass),
            db_session.get_one(ClassSession, world.session),
        )


def test_of_two_bulk_check_ins_with_one_key_only_one_is_done(app, world, stored, clock):
    reserve_for_eve(stored, world)
    clock.advance(days=7)

    def check_in(customer_id: UUID):
        desk = Api(app, token=world.tokens["write"])
        return desk.post(
            f"/staff/sessions/{world.session}/check-in", headers=KEY, customer_ids=[str(customer_id)]
        ).status_code

    with ThreadPoolExecutor(2) as pool:
        wanted = [world.ada, world.eve]
        outcomes = dict(zip(wanted, pool.map(check_in, wanted), strict=True))

    assert sorted(outcomes.values())[0] == 200
    assert sorted(outcomes.values())[1] in (409, 422)
    assert checked_in(stored) == {one for one, status in outcomes.items() if status == 200}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_while_a_bulk_check_in_is_at_work_its_key_takes_no_other_body(app, world, stored, clock, database_url):
    reserve_for_eve(stored, world)
    clock.advance(days=7)
    desks = [Api(app, token=world.tokens["write"]) for _ in range(2)]

    def check_in(desk: Api, customer_id: UUID):
        return desk.post(f"/staff/sessions/{world.session}/check-in", headers=KEY, customer_ids=[str(customer_id)])

    engine = create_engine(database_url)
    with ThreadPoolExecutor(1) as pool, engine.connect() as blocker:
        blocker.execute(
            text("SELECT 1 FROM studio_class_registration WHERE id = :id FOR UPDATE"), {"id": world.ada_pass}
        )
        first = pool.submit(check_in, desks[0], world.ada)
        wait_until(engine, "SELECT count(*) FROM pg_locks WHERE NOT granted")
        second = check_in(desks[1], world.eve)
        blocker.rollback()

        assert (second.status_code, second.json["code"]) == (422, "idempotency_key_reused")
        assert first.result().status_code == 200
    assert checked_in(stored) == {world.ada}
    assert check_in(desks[1], world.ada).data == first.result().data
    engine.dispose()


def test_many_at_once_do_it_once(app, world, stored):
    def reserve(_: int):
        return Api(app, token=world.tokens["customer"]).post(
            "/reservations", headers=KEY, session_id=world.later_session
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(reserve, range(8)))

    made = {one.data for one in answers if one.status_code == 201}
    others = {one.json["code"] for one in answers if one.status_code != 201}
    assert len(made) == 1
    assert others <= {"idempotency_in_progress"}
    assert reservations(stored) == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_while_the_first_is_at_work_the_second_is_told_so(app, world, database_url):
    ada = [Api(app, token=world.tokens["customer"]) for _ in range(2)]

    def reserve(caller: Api):
        return caller.post("/reservations", headers=KEY, session_id=world.later_session, registration_id=world.ada_pass)

    engine = create_engine(database_url)
    with ThreadPoolExecutor(1) as pool, engine.connect() as blocker:
        blocker.execute(
            text("SELECT 1 FROM studio_class_registration WHERE id = :id FOR UPDATE"), {"id": world.ada_pass}
        )
        first = pool.submit(reserve, ada[0])
        wait_until(engine, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        second = reserve(ada[1])
        blocker.rollback()

        assert (second.status_code, second.json["code"]) == (409, "idempotency_in_progress")
        assert first.result().status_code == 201
        assert reserve(ada[1]).data == first.result().data
    engine.dispose()


def wait_until(engine, question: str) -> None:
    """Ask the database until the answer is not 0."""
    deadline = monotonic() + 10
    while monotonic() < deadline:
        with engine.connect() as connection:
            if connection.execute(text(question)).scalar_one():
                return
    raise AssertionError(f"never: {question}")
