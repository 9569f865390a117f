"""What follows a missed class over HTTP: grace, the explanation, the queue, waives and what they give back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    SessionReservation,
    Studio,
    StudioClass,
    SuspensionNoShow,
    SuspensionOrigin,
)
from studio_reservations.pass_types import Status
from tests.api.test_queries import counting
from tests.factories import (
    NOW,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_suspension,
    steps_of_class,
)

ENDED = NOW + timedelta(days=7, hours=2)  # Tuesday 8 December, 12:00 in Toronto: Ada's session is over
THE_NIGHT = datetime(2026, 12, 10, 7, tzinfo=UTC)  # Thursday 02:00: the first one after 24 hours of grace


@pytest.fixture
def future(api, world) -> str:
    """Let Ada reserve Thursday's session, too."""
    return api("ada").post("/reservations", session_id=world.later_session).json["id"]


@pytest.fixture
def missed(api, world, clock, future) -> str:
    """Let the desk mark Ada's session as missed when it is over, at a studio that takes a punch for it."""
    assert api("manager").put("/staff/policies", deduct_punch_on_no_show=True).status_code == 200
    clock.now = ENDED
    path = f"/staff/reservations/{world.reservation}"
    assert api("front_desk").post(f"{path}/no-show").json["status"] == "NO_SHOW"
    return path


def the_night_takes(stored, future: str, *, because_of: UUID) -> None:
    """Write what the job of 02:00 writes."""
    with stored() as db_session:
        lost = db_session.get_one(SessionReservation, UUID(future))
        lost.status, lost.auto_cancelled_at, lost.auto_cancelled_for_id = "AUTO_CANCELLED", THE_NIGHT, because_of
        db_session.get_one(ClassSession, lost.session_id).seats_taken -= 1
        db_session.get_one(SessionReservation, because_of).futures_cancelled_at = THE_NIGHT


def the_night_suspends(stored, world, *no_shows: UUID, limit: int) -> UUID:
    """Write what the job of 03:00 writes."""
    with stored() as db_session:
        suspension = make_suspension(
            db_session,
            db_session.get_one(Customer, world.ada),
            db_session.get_one(Studio, world.studio),
            created_by_kind=SuspensionOrigin.SYSTEM,
            now=THE_NIGHT + timedelta(hours=1),
            no_show_count=len(no_shows),
            limit=limit,
        )
        db_session.add_all(
            SuspensionNoShow(suspension_id=suspension.id, reservation_id=one, studio_id=world.studio)
            for one in no_shows
        )
        return suspension.id


class TestWhatTheCustomerSees:
    def test_a_no_show_has_its_grace_and_its_night(self, api, world, missed):
        seen = api("ada").get(f"/reservations/{world.reservation}").json

        assert (seen["status"], seen["punches_used"]) == ("NO_SHOW", 1)
        assert (seen["grace_ends_at"], seen["auto_cancel_at"]) == (
            "2026-12-09T12:00:00-05:00",
            "2026-12-10T02:00:00-05:00",
        )
        assert seen["cancellable_until"] is None

    def test_a_threatened_reservation_shows_the_earliest_night(self, api, world, missed, future, stored):
        with stored() as db_session:  # another one, missed later
            registration = db_session.get_one(ClassRegistration, world.ada_pass)
            session = make_session(db_session, db_session.get_one(StudioClass, world.studio_class), starts_at=NOW)
            make_reservation(
                db_session,
                registration,
                session,
                status=Status.NO_SHOW,
                counts_as_no_show=True,
                missed_at=ENDED,
                grace_ends_at=THE_NIGHT + timedelta(hours=1),
                auto_cancel_at=THE_NIGHT + timedelta(hours=2),
            )
        ada = api("ada")

        assert ada.get(f"/reservations/{future}").json["auto_cancel_at"] == "2026-12-10T02:00:00-05:00"

        api("manager").post(f"{missed}/waive")

        assert ada.get(f"/reservations/{future}").json["auto_cancel_at"] == "2026-12-10T04:00:00-05:00"

    def test_what_starts_before_the_night_is_not_threatened(self, api, world, missed, stored):
        with stored() as db_session:
            session = make_session(
                db_session, db_session.get_one(StudioClass, world.studio_class), starts_at=ENDED + timedelta(days=1)
            )
            session_id = session.id
        ada = api("ada")

        made = ada.post("/reservations", session_id=session_id)

        assert (made.status_code, made.json["auto_cancel_at"]) == (201, None)
        listed = ada.get(f"/registrations/{world.ada_pass}/reservations", when="future").json["items"]
        assert [one["auto_cancel_at"] for one in listed] == [None, "2026-12-10T02:00:00-05:00"]

    def test_a_waived_one_threatens_nothing(self, api, world, missed, future):
        waived = api("manager").post(f"{missed}/waive", reason="A doctor's note.")
        ada = api("ada")

        assert (waived.json["auto_cancel_at"], waived.json["waived_at"]) == (None, "2026-12-08T12:00:00-05:00")
        assert ada.get(f"/reservations/{future}").json["auto_cancel_at"] is None
        seen = ada.get(f"/reservations/{world.reservation}").json
        assert seen["waived_at"] == waived.json["waived_at"]
        assert [one["action"] for one in seen["history"]] == ["reservation.no_show", "reservation.waived"]

    def test_the_pass_says_what_is_left(self, api, world, missed):
        ada = api("ada")
        path = f"/registrations/{world.ada_pass}/status"

        charged = ada.get(path).json
        api("manager").post(f"{missed}/waive")
        refunded = ada.get(path).json

        assert (charged["sessions"]["remaining"], charged["sessions"]["available"]) == (4, 3)
        assert (refunded["sessions"]["remaining"], refunded["sessions"]["available"]) == (5, 4)
        assert charged["reservations"] == refunded["reservations"] == {"used": 1, "limit": 3}
        assert (charged["sessions"]["attended"], charged["suspension"]) == (0, None)

    def test_the_calendar_sets_no_shows_apart(self, api, world, missed, future):
        month = api("ada").get(f"/registrations/{world.ada_pass}/calendar", month="2026-12").json

        assert [one["id"] for one in month["no_shows"]] == [str(world.reservation)]
        assert [(one["id"], one["auto_cancel_at"]) for one in month["pending"]] == [
            (future, "2026-12-10T02:00:00-05:00")
        ]
        assert month["attended"] == []


class TestExplaining:
    def test_is_answered_in_the_queue(self, api, world, missed):
        explained = api("ada").post(f"/reservations/{world.reservation}/explanation", text=" The tram stood still. ")
        (asked,) = api("manager").get("/staff/no-shows").json["items"]
        declined = api("manager").post(f"{missed}/decline", reason="It did not.")

        assert explained.status_code == 200
        assert explained.json["explanation"] == {
            "text": "The tram stood still.",
            "sent_at": "2026-12-08T12:00:00-05:00",
            "answer": None,
            "answered_at": None,
        }
        assert asked["explanation"] == explained.json["explanation"]
        assert declined.json["explanation"]["answer"] == "DECLINED"
        assert declined.json["waived_at"] is None
        assert api("ada").get(f"/reservations/{world.reservation}").json["explanation"] == declined.json["explanation"]

    def test_is_possible_once_and_until_the_night(self, api, world, missed, clock):
        ada, path = api("ada"), f"/reservations/{world.reservation}/explanation"
        clock.now = THE_NIGHT - timedelta(seconds=1)
        first = ada.post(path, text="The tram")
        again = ada.post(path, text="The tram")
        other = ada.post(path, text="The bus")

        assert (first.status_code, again.status_code) == (200, 200)
        assert other.json["code"] == "already_explained"

    def test_comes_too_late_in_the_night(self, api, world, missed, clock):
        clock.now = THE_NIGHT

        late = api("ada").post(f"/reservations/{world.reservation}/explanation", text="The tram")

        assert (late.status_code, late.json["code"]) == (409, "explanation_closed")

    @pytest.mark.parametrize(
        "body", [{}, {"text": ""}, {"text": "   "}, {"text": "x" * 1001}, {"text": 7}, {"why": "x"}]
    )
    def test_bad_input_is_named(self, api, world, missed, body):
        refused = api("ada").post(f"/reservations/{world.reservation}/explanation", **body)

        assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
        assert set(refused.json["errors"]) <= {"text", "why"}

    def test_a_thousand_characters_are_enough(self, api, world, missed):
        text = "x" * 1000

        told = api("ada").post(f"/reservations/{world.reservation}/explanation", text=text)

        assert told.json["explanation"]["text"] == text

    def test_of_what_was_not_missed_is_no_transition(self, api, future):
        refused = api("ada").post(f"/reservations/{future}/explanation", text="Just so")

        assert (refused.json["code"], refused.json["state"]) == ("invalid_transition", "PENDING")


class TestWaiving:
    def test_gives_back_the_futures_with_an_outcome_each_and_voids_the_suspension(
        self, api, world, missed, future, stored, clock
    ):
        the_night_takes(stored, future, because_of=world.reservation)
        suspension = the_night_suspends(stored, world, world.reservation, limit=1)
        clock.now = THE_NIGHT + timedelta(hours=2)
        ada = api("ada")
        assert ada.get(f"/registrations/{world.ada_pass}/status").json["suspension"]["id"] == str(suspension)

        waived = api("manager").post(f"{missed}/waive", reason="A doctor's note.").json

        assert waived["futures"] == [{"reservation_id": future, "restored": True, "code": None, "detail": None}]
        assert waived["suspensions_voided"] == [str(suspension)]
        assert (waived["punches_refunded"], waived["punches_used"]) == (1, 0)
        assert ada.get(f"/reservations/{future}").json["status"] == "PENDING"
        assert ada.get(f"/registrations/{world.ada_pass}/status").json["suspension"] is None
        assert ada.post(f"/reservations/{future}/cancel").status_code == 200

    def test_says_why_a_future_could_not_be_restored(self, api, world, missed, future, stored, clock):
        the_night_takes(stored, future, because_of=world.reservation)
        with stored() as db_session:
            db_session.get_one(ClassSession, world.later_session).seats_taken = 2

        waived = api("manager").post(f"{missed}/waive").json

        (outcome,) = waived["futures"]
        assert (outcome["restored"], outcome["code"]) == (False, "session_full")
        assert outcome["detail"]
        assert waived["waived_at"] is not None

    def test_twice_is_once_and_with_its_key_answers_the_same(self, api, world, missed, future, stored):
        the_night_takes(stored, future, because_of=world.reservation)
        manager, key = api("manager"), {"Idempotency-Key": "waive-1"}

        first = manager.post(f"{missed}/waive", headers=key)
        replayed = manager.post(f"{missed}/waive", headers=key)
        repeated = manager.post(f"{missed}/waive")

        assert replayed.data == first.data
        assert (repeated.json["status"], repeated.json["futures"], repeated.json["punches_refunded"]) == (
            "NO_SHOW",
            [],
            0,
        )
        history = api("ada").get(f"/reservations/{world.reservation}").json["history"]
        assert [one["action"] for one in history].count("reservation.waived") == 1

    def test_is_taken_back_until_grace_ends(self, api, world, missed, clock):
        manager = api("manager")
        manager.post(f"{missed}/waive")

        back = manager.post(f"{missed}/unwaive", reason="The note was forged.").json
        manager.post(f"{missed}/waive")
        clock.now = ENDED + timedelta(days=1)
        late = manager.post(f"{missed}/unwaive")

        assert (back["waived_at"], back["punches_used"], back["auto_cancel_at"]) == (
            None,
            1,
            "2026-12-10T02:00:00-05:00",
        )
        assert (late.status_code, late.json["code"]) == (409, "invalid_transition")

    @pytest.mark.parametrize("act", ["waive", "unwaive", "decline"])
    def test_what_was_not_missed_cannot_be_judged(self, api, future, act):
        refused = api("manager").post(f"/staff/reservations/{future}/{act}")

        assert (refused.status_code, refused.json["code"]) == (409, "invalid_transition")

    @pytest.mark.parametrize("act", ["waive", "unwaive", "decline", "restore"])
    def test_another_studios_manager_finds_nothing(self, api, world, missed, act):
        stranger = api("other_manager")

        foreign = stranger.post(f"{missed}/{act}")
        unknown = stranger.post(f"/staff/reservations/{world.studio}/{act}")

        assert (foreign.status_code, foreign.data) == (404, unknown.data)


class TestBeingThereAfterAll:
    def test_gives_back_and_says_so(self, api, world, missed, future, stored, clock):
        the_night_takes(stored, future, because_of=world.reservation)
        suspension = the_night_suspends(stored, world, world.reservation, limit=1)
        clock.now = THE_NIGHT + timedelta(hours=2)
        override = {"rules": ["not_class_day"], "reason": "Her name was misread."}

        arrived = api("front_desk").post(f"{missed}/check-in", override=override).json

        assert (arrived["status"], arrived["punches_used"], arrived["grace_ends_at"]) == ("CHECKED_IN", 1, None)
        assert [(one["reservation_id"], one["restored"]) for one in arrived["futures"]] == [(future, True)]
        assert arrived["suspensions_voided"] == [str(suspension)]

    def test_an_ordinary_check_in_has_nothing_to_give_back(self, api, world, clock):
        clock.now = NOW + timedelta(days=7)

        arrived = api("front_desk").post(f"/staff/reservations/{world.reservation}/check-in").json

        assert (arrived["futures"], arrived["suspensions_voided"]) == ([], [])


class TestRestoring:
    def test_is_judged_and_may_be_overridden(self, api, world, missed, future, stored):
        the_night_takes(stored, future, because_of=world.reservation)
        with stored() as db_session:
            make_suspension(
                db_session, db_session.get_one(Customer, world.ada), db_session.get_one(Studio, world.studio)
            )
        manager, path = api("manager"), f"/staff/reservations/{future}/restore"
        override = {"rules": ["customer_suspended"], "reason": "Agreed on the phone."}

        refused = manager.post(path)
        wrong = manager.post(path, override={**override, "rules": ["session_full"]})
        unexplained = manager.post(path, override={**override, "reason": ""})
        done = manager.post(path, override=override)
        again = manager.post(path)

        assert (refused.json["code"], refused.json["ends_on"]) == ("customer_suspended", "2026-12-14")
        assert (wrong.json["code"], unexplained.json["code"]) == ("override_not_allowed", "reason_required")
        assert (done.json["status"], again.json["status"]) == ("PENDING", "PENDING")
        last = manager.get(f"/reservations/{future}").json["history"][-1]
        assert (last["action"], last["reason"]) == ("reservation.restored", "Agreed on the phone.")
        assert api("ada").get(f"/reservations/{future}").json["history"][-1]["reason"] is None

    def test_is_for_what_was_cancelled_automatically(self, api, missed):
        refused = api("manager").post(f"{missed}/restore")

        assert (refused.json["code"], refused.json["state"]) == ("invalid_transition", "NO_SHOW")


class TestTheQueue:
    def test_shows_who_missed_what_and_what_hangs_on_it(self, api, world, missed, clock):
        clock.advance(hours=1, seconds=30)

        (found,) = api("front_desk").get("/staff/no-shows", studio="clay").json["items"]

        assert (found["id"], found["customer_name"]) == (str(world.reservation), "Ada")
        assert found["customer_email"].endswith("@example.org")
        assert found["session"]["class"] == "Beginner Wheel Throwing"
        assert (found["missed_at"], found["grace_minutes_left"]) == ("2026-12-08T12:00:00-05:00", 23 * 60)
        assert found["auto_cancel_at"] == "2026-12-10T02:00:00-05:00"
        assert found["futures"] == {"threatened": 1, "cancelled": 0}
        assert found["no_shows"] == {"counted": 0, "limit": 3}
        assert (found["waived_at"], found["explanation"]) == (None, None)

    def test_a_night_that_did_nothing_no_longer_threatens_what_begins_before_the_next(self, api, world, missed, clock):
        for hours, threatened in ((-1, 1), (1, 0)):
            clock.now = THE_NIGHT + timedelta(hours=hours)

            (found,) = api("front_desk").get("/staff/no-shows").json["items"]

            assert found["futures"] == {"threatened": threatened, "cancelled": 0}

    def test_after_the_night_shows_what_it_cost(self, api, world, missed, future, stored, clock):
        the_night_takes(stored, future, because_of=world.reservation)
        clock.now = THE_NIGHT + timedelta(hours=1)

        (found,) = api("front_desk").get("/staff/no-shows").json["items"]

        assert found["futures"] == {"threatened": 0, "cancelled": 1}
        assert found["no_shows"] == {"counted": 1, "limit": 3}
        assert found["grace_minutes_left"] == 0

    def test_a_suspension_wipes_the_slate_also_when_it_is_lifted(self, api, world, missed, stored, clock):
        suspension = the_night_suspends(stored, world, world.reservation, limit=1)
        clock.now = THE_NIGHT + timedelta(hours=2)
        manager = api("manager")
        manager.post(f"/staff/suspensions/{suspension}/lift", reason="Talked it over.")

        (found,) = manager.get("/staff/no-shows").json["items"]

        assert found["no_shows"]["counted"] == 0

    def test_counts_again_what_a_voided_suspension_was_built_on(self, api, world, missed, stored, clock):
        with stored() as db_session:
            session = make_session(db_session, db_session.get_one(StudioClass, world.studio_class), starts_at=NOW)
            other = make_reservation(
                db_session,
                db_session.get_one(ClassRegistration, world.ada_pass),
                session,
                status=Status.NO_SHOW,
                counts_as_no_show=True,
                missed_at=ENDED - timedelta(days=3),
                grace_ends_at=ENDED - timedelta(days=2),
            ).id
        the_night_suspends(stored, world, world.reservation, other, limit=2)
        clock.now = THE_NIGHT + timedelta(hours=2)
        manager = api("manager")
        before = [one["no_shows"]["counted"] for one in manager.get("/staff/no-shows").json["items"]]

        manager.post(f"{missed}/waive")

        after = [one["no_shows"]["counted"] for one in manager.get("/staff/no-shows").json["items"]]
        assert (before, after) == ([0, 0], [1, 1])

    def test_is_by_local_days_and_in_pages_the_latest_first(self, api, world, missed, stored):
        with stored() as db_session:
            registration = db_session.get_one(ClassRegistration, world.ada_pass)
            studio_class = db_session.get_one(StudioClass, world.studio_class)
            # 23:30 on the 5th, and 00:30 on the 6th, in Toronto.
            for missed_at in (datetime(2026, 12, 6, 4, 30, tzinfo=UTC), datetime(2026, 12, 6, 5, 30, tzinfo=UTC)):
                session = make_session(db_session, studio_class, starts_at=missed_at - timedelta(hours=2))
                make_reservation(
                    db_session,
                    registration,
                    session,
                    status=Status.NO_SHOW,
                    counts_as_no_show=True,
                    missed_at=missed_at,
                    grace_ends_at=missed_at + timedelta(hours=24),
                )
        desk = api("front_desk")

        first = desk.get("/staff/no-shows", limit=2).json
        rest = desk.get("/staff/no-shows", limit=2, cursor=first["next"]).json
        on_the_6th = desk.get("/staff/no-shows", from_="2026-12-06", to="2026-12-06").json["items"]

        assert [one["missed_at"] for one in first["items"] + rest["items"]] == [
            "2026-12-08T12:00:00-05:00",
            "2026-12-06T00:30:00-05:00",
            "2026-12-05T23:30:00-05:00",
        ]
        assert rest["next"] is None
        assert [one["missed_at"] for one in on_the_6th] == ["2026-12-06T00:30:00-05:00"]
        assert desk.get("/staff/no-shows", to="2026-11-30").json["items"] == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"from_": "2026-12-09", "to": "2026-12-01"}, "to"),
            ({"from_": "2025-01-01"}, "to"),
            ({"from_": "yesterday"}, "from"),
            ({"to": "9999-12-31"}, "to"),
            ({"colour": "red"}, "colour"),
        ],
    )
    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    def test_bad_input_is_named(self, api, query, field):
        refused = api("front_desk").get("/staff/no-shows", **query)

        assert (refused.status_code, set(refused.json["errors"])) == (422, {field})

    def test_another_studio_is_not_found(self, api, missed):
        assert api("front_desk").get("/staff/no-shows", studio="kiln").status_code == 404
        assert api("other_manager").get("/staff/no-shows").json["items"] == []

    def test_a_hundred_cost_what_one_costs(self, app, api, world, missed, stored):
        desk = api("write")
        with counting(app) as few:
            desk.get("/staff/no-shows?limit=200")
        with stored() as db_session:
            studio = db_session.get_one(Studio, world.studio)
            studio_class = db_session.get_one(StudioClass, world.studio_class)
            session = make_session(db_session, studio_class, starts_at=NOW, capacity=200)
            for _ in range(100):
                make_reservation(
                    db_session,
                    make_pass(db_session, make_customer(db_session, studio), studio),
                    session,
                    status=Status.NO_SHOW,
                    counts_as_no_show=True,
                    missed_at=ENDED,
                    grace_ends_at=ENDED + timedelta(days=1),
                )
        with counting(app) as many:
            listed = desk.get("/staff/no-shows?limit=200")

        assert len(listed.json["items"]) == 101
        assert len(many) == len(few), many


def test_a_counted_late_cancellation_is_in_the_queue_and_can_be_explained_and_waived(api, world, clock, future):
    manager, ada = api("manager"), api("ada")
    manager.put("/staff/policies", late_cancel_counts_as_no_show=True, deduct_punch_on_late_cancel=True)
    ada.post(f"/reservations/{future}/cancel")  # its terms are from before
    made = ada.post("/reservations", session_id=world.later_session).json["id"]
    clock.now = NOW + timedelta(days=8, hours=12)
    assert ada.post(f"/reservations/{made}/cancel").json["late"] is True

    told = ada.post(f"/reservations/{made}/explanation", text="A cold")
    (found,) = manager.get("/staff/no-shows").json["items"]
    waived = manager.post(f"/staff/reservations/{made}/waive").json

    assert told.status_code == 200
    assert (found["id"], found["status"], found["auto_cancel_at"]) == (made, "CANCELLED", None)
    assert (found["grace_minutes_left"], found["futures"]) == (24 * 60, {"threatened": 0, "cancelled": 0})
    assert (waived["status"], waived["punches_refunded"], waived["explanation"]["answer"]) == ("CANCELLED", 1, "WAIVED")


def test_a_restored_part_makes_way_for_the_one_that_needs_it(api, world, stored, clock):
    """What the night took of a course comes back soonest first: here the later part was reserved first."""
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, world.studio), db_session.get_one(Customer, world.ada)
        course = make_class(db_session, studio, steps=3)
        one, two, three = steps_of_class(db_session, course)
        course_pass = make_pass(
            db_session,
            ada,
            studio,
            pass_type="full_course",
            studio_class=course,
            pass_options={"sequence_rule": "reserved"},
        )
        other = make_session(db_session, course, starts_at=NOW - timedelta(days=3), step=one)
        make_reservation(db_session, course_pass, other, status=Status.ATTENDED, exclusive_step_id=one.id)
        cause = make_reservation(
            db_session,
            make_pass(db_session, ada, studio, pass_type="unlimited_series"),
            make_session(db_session, course, starts_at=NOW - timedelta(days=2)),
            status=Status.NO_SHOW,
            counts_as_no_show=True,
            missed_at=NOW - timedelta(days=2),
            grace_ends_at=NOW - timedelta(days=1),
            auto_cancel_at=NOW - timedelta(hours=8),
        )
        third = make_session(db_session, course, starts_at=NOW + timedelta(days=9), step=three)
        second = make_session(db_session, course, starts_at=NOW + timedelta(days=4), step=two)
        lost = [
            make_reservation(
                db_session,
                course_pass,
                session,
                status=Status.AUTO_CANCELLED,
                exclusive_step_id=session.step_id,
                auto_cancelled_at=NOW,
                auto_cancelled_for_id=cause.id,
            ).id
            for session in (third, second)
        ]
        cause_id = cause.id

    waived = api("manager").post(f"/staff/reservations/{cause_id}/waive").json

    assert [(one["reservation_id"], one["restored"]) for one in waived["futures"]] == [
        (str(lost[1]), True),
        (str(lost[0]), True),
    ]
