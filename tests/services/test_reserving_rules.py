"""Each rule of rules.md §3 refuses with its own code, in its own place in the order, and leaves nothing behind."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound, OverrideNotAllowed, ReasonRequired, ReservationRefused
from studio_reservations.models import OutboxMessage, ReservationHistory, Role, Rollout, SessionReservation
from studio_reservations.services.overrides import Override
from tests import factories
from tests.factories import NOW
from tests.services.scene import Scene


@pytest.fixture
def scene(db_session: Session) -> Scene:
    return Scene(db_session)


def _rollout_off(scene):
    scene.studio.rollout = Rollout.OFF


def _frozen(scene):
    scene.registration.status = "FROZEN"


def _no_plugin(scene):
    scene.registration.pass_type = "gone"


def _class_inactive(scene):
    scene.studio_class.active = False


def _cancelled(scene):
    scene.session.status = "CANCELLED"


def _started(scene):
    scene.session.starts_at = NOW


def _not_yet_valid(scene):
    scene.registration.valid_from = date(2026, 12, 9)


def _expired(scene):
    scene.registration.valid_until = date(2026, 12, 7)


def _suspended(scene):
    factories.make_suspension(scene.db_session, scene.customer, scene.studio)


def _reserved(scene):
    other = factories.make_pass(scene.db_session, scene.customer, scene.studio, pass_type="unlimited_series")
    factories.make_reservation(scene.db_session, other, scene.session)


def _at_the_limit(scene):
    scene.registration.max_advance_reservations = 1
    factories.make_reservation(
        scene.db_session, scene.registration, scene.another_session(starts_at=NOW + timedelta(days=3))
    )


def _exhausted(scene):
    scene.registration.sessions_remaining = 0


def _full(scene):
    scene.session.seats_taken = scene.session.capacity


RULES = [
    (_rollout_off, "reservations_disabled"),
    (_frozen, "registration_inactive"),
    (_no_plugin, "pass_type_unavailable"),
    (_class_inactive, "class_not_covered"),
    (_cancelled, "session_cancelled"),
    (_started, "session_started"),
    (_not_yet_valid, "pass_not_yet_valid"),
    (_expired, "pass_expired"),
    (_suspended, "customer_suspended"),
    (_reserved, "already_reserved"),
    (_at_the_limit, "advance_limit_reached"),
    (_exhausted, "punches_exhausted"),
    (_full, "session_full"),
]


@pytest.mark.parametrize(("spoil", "code"), RULES, ids=[code for _, code in RULES])
def test_a_rule_refuses_with_its_code_and_writes_nothing(scene, spoil, code):
    spoil(scene)
    scene.db_session.flush()
    before = [scene.count(model) for model in (SessionReservation, ReservationHistory, OutboxMessage)], scene.seats()

    with pytest.raises(ReservationRefused) as refused:
        scene.reserve()

    assert refused.value.code == code
    after = [scene.count(model) for model in (SessionReservation, ReservationHistory, OutboxMessage)], scene.seats()
    assert after == before


@pytest.mark.parametrize(
    ("first", "second"),
    # One pass cannot be both not yet valid and expired.
    [pair for pair in pairwise(RULES) if pair[0][1] != "pass_not_yet_valid"],
    ids=lambda rule: rule[1],
)
def test_of_two_failing_rules_the_earlier_is_the_answer(scene, first, second):
    second[0](scene)
    first[0](scene)
    scene.db_session.flush()

    with pytest.raises(ReservationRefused) as refused:
        scene.reserve()

    assert refused.value.code == first[1]


@pytest.mark.parametrize(("spoil", "code"), RULES, ids=[code for _, code in RULES])
def test_asking_gives_the_same_answer_as_trying(scene, spoil, code):
    spoil(scene)
    scene.db_session.flush()

    answer = scene.service().can_create_reservation(
        actor=scene.actor, session_id=scene.session.id, registration_id=scene.registration.id
    )

    assert not answer
    assert answer.refusal.code == code


def test_internal_customers_are_let_in_while_the_rollout_is_internal(scene):
    scene.studio.rollout = Rollout.INTERNAL
    tester = factories.make_customer(scene.db_session, scene.studio, internal=True)
    registration = factories.make_pass(scene.db_session, tester, scene.studio)

    created = scene.reserve(actor=factories.customer_actor(tester), registration_id=registration.id)

    assert scene.row(created).status == "PENDING"
    with pytest.raises(ReservationRefused) as refused:
        scene.reserve()
    assert refused.value.code == "reservations_disabled"


def test_a_pass_is_valid_through_its_last_local_day(scene):
    # 9 December, 04:30 UTC is still the evening of the 8th in Toronto.
    late_class = scene.another_session(starts_at=NOW.replace(day=9, hour=4, minute=30), minutes=20)
    scene.registration.valid_until = date(2026, 12, 8)
    scene.db_session.flush()

    assert scene.row(scene.reserve(late_class)).status == "PENDING"


def test_the_limit_does_not_count_sessions_that_have_ended(scene):
    scene.registration.max_advance_reservations = 1
    over = scene.another_session(starts_at=NOW - timedelta(hours=3), minutes=60)
    factories.make_reservation(scene.db_session, scene.registration, over)

    assert scene.row(scene.reserve()).status == "PENDING"


def test_punches_held_for_other_days_are_not_available(scene):
    scene.registration.sessions_remaining = 1
    scene.db_session.flush()
    scene.reserve(scene.another_session())

    with pytest.raises(ReservationRefused) as refused:
        scene.reserve()

    assert (refused.value.code, refused.value.values) == ("punches_exhausted", {"remaining": 1, "held": 1})


def test_a_session_of_a_studio_that_does_not_know_the_customer_is_not_found(scene):
    elsewhere = factories.make_class(scene.db_session, factories.make_studio(scene.db_session))
    foreign = factories.make_session(scene.db_session, elsewhere)

    with pytest.raises(NotFound):
        scene.reserve(foreign)


def test_somebody_elses_pass_is_not_found(scene):
    other = factories.make_customer(scene.db_session, scene.studio)
    theirs = factories.make_pass(scene.db_session, other, scene.studio)

    with pytest.raises(NotFound):
        scene.reserve(registration_id=theirs.id)


def test_a_member_reserves_with_the_familys_pass(scene):
    child = factories.make_customer(scene.db_session, scene.studio, name="Bo")
    shared = factories.make_pass(scene.db_session, scene.customer, scene.studio, members=(child,))
    parent = factories.customer_actor(scene.customer, child)

    created = scene.reserve(actor=parent, customer_id=child.id, registration_id=shared.id)

    assert scene.row(created).customer_id == child.id


def test_a_ward_who_is_no_member_is_not_covered_by_the_parents_pass(scene):
    child = factories.make_customer(scene.db_session, scene.studio, name="Bo")

    with pytest.raises(ReservationRefused) as refused:
        scene.reserve(actor=factories.customer_actor(scene.customer, child), customer_id=child.id)

    assert refused.value.code == "class_not_covered"


OVERRIDES = [
    (_started, "session_started", Role.FRONT_DESK),
    (_suspended, "customer_suspended", Role.MANAGER),
    (_at_the_limit, "advance_limit_reached", Role.MANAGER),
]


@pytest.mark.parametrize(("spoil", "code", "role"), OVERRIDES, ids=[code for _, code, _ in OVERRIDES])
def test_staff_set_a_rule_aside_with_a_reason_that_is_kept(scene, spoil, code, role):
    spoil(scene)
    scene.db_session.flush()

    created = scene.reserve(
        actor=factories.staff_actor(scene.studio, role),
        customer_id=scene.customer.id,
        override=Override(rules=frozenset({code}), reason="A regular, and the kiln is warm"),
    )

    (act,) = factories.history_of(scene.db_session, created.reservation_id)
    assert act["reason"] == "A regular, and the kiln is warm"
    assert act["details"]["overridden"] == [code]


@pytest.mark.parametrize(
    ("code", "role"),
    [
        ("customer_suspended", Role.FRONT_DESK),
        ("advance_limit_reached", Role.FRONT_DESK),
        ("session_full", Role.OWNER),
        ("punches_exhausted", Role.OWNER),
        ("no_such_rule", Role.OWNER),
    ],
)
def test_a_rule_that_this_role_may_not_set_aside_is_said(scene, code, role):
    with pytest.raises(OverrideNotAllowed) as refused:
        scene.reserve(
            actor=factories.staff_actor(scene.studio, role),
            customer_id=scene.customer.id,
            override=Override(rules=frozenset({code}), reason="Please"),
        )

    assert refused.value.values == {"rules": [code]}


def test_customers_set_nothing_aside(scene):
    with pytest.raises(OverrideNotAllowed):
        scene.reserve(override=Override(rules=frozenset({"session_started"}), reason="I ran"))


def test_an_override_needs_a_reason(scene):
    with pytest.raises(ReasonRequired):
        scene.reserve(
            actor=factories.staff_actor(scene.studio),
            customer_id=scene.customer.id,
            override=Override(rules=frozenset({"customer_suspended"}), reason="  "),
        )


def test_an_override_that_was_not_needed_is_not_recorded(scene):
    created = scene.reserve(
        actor=factories.staff_actor(scene.studio),
        customer_id=scene.customer.id,
        override=Override(rules=frozenset({"customer_suspended"}), reason="Just in case"),
    )

    (act,) = factories.history_of(scene.db_session, created.reservation_id)
    assert act["reason"] is None
    assert "overridden" not in act["details"]


def test_a_session_that_began_yesterday_cannot_be_reserved_even_by_staff(scene):
    yesterday = scene.another_session(starts_at=NOW - timedelta(days=1))

    with pytest.raises(ReservationRefused) as refused:
        scene.reserve(
            yesterday,
            actor=factories.staff_actor(scene.studio, Role.OWNER),
            customer_id=scene.customer.id,
            override=Override(rules=frozenset({"session_started"}), reason="They were there"),
        )

    assert refused.value.code == "session_started"


def test_a_named_pass_of_another_studio_does_not_cover_whether_one_asks_or_tries(scene):
    elsewhere = factories.make_studio(scene.db_session)
    foreign = factories.make_pass(scene.db_session, scene.customer, elsewhere)

    answer = scene.service().can_create_reservation(
        actor=scene.actor, session_id=scene.session.id, registration_id=foreign.id
    )
    with pytest.raises(ReservationRefused) as refused:
        scene.reserve(registration_id=foreign.id)

    assert (answer.refusal.code, refused.value.code) == ("class_not_covered", "class_not_covered")


def test_a_parents_pass_named_for_a_child_who_is_no_member_is_told_alike_by_asking(scene):
    child = factories.make_customer(scene.db_session, scene.studio, name="Bo")

    answer = scene.service().can_create_reservation(
        actor=factories.customer_actor(scene.customer, child),
        session_id=scene.session.id,
        customer_id=child.id,
        registration_id=scene.registration.id,
    )

    assert answer.refusal.code == "class_not_covered"


def test_somebody_elses_pass_is_not_found_by_asking_either(scene):
    other = factories.make_customer(scene.db_session, scene.studio)
    theirs = factories.make_pass(scene.db_session, other, scene.studio)

    with pytest.raises(NotFound):
        scene.service().can_create_reservation(
            actor=scene.actor, session_id=scene.session.id, registration_id=theirs.id
        )


def test_a_stranger_learns_nothing_of_a_session_by_an_override(scene):
    elsewhere = factories.make_studio(scene.db_session)

    with pytest.raises(NotFound):
        scene.reserve(
            actor=factories.staff_actor(elsewhere),
            customer_id=scene.customer.id,
            override=Override(rules=frozenset({"session_full"}), reason="Curious"),
        )


def test_nobody_reserves_for_an_erased_customer(scene):
    scene.customer.erased_at = NOW
    scene.db_session.flush()

    with pytest.raises(NotFound):
        scene.reserve(actor=factories.staff_actor(scene.studio), customer_id=scene.customer.id)
