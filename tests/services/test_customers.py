"""The people: at the front desk, and as users of the portal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, InvalidRequest, NotFound
from studio_reservations.identity import PortalUser
from studio_reservations.models import Customer, CustomerAccess, CustomerStudio, Role
from studio_reservations.services.accounts import (
    create_feed_token,
    customer_by_feed_token,
    customer_changed,
    customer_for_portal_user,
    update_me,
)
from studio_reservations.services.customers import create_customer, find_customers, link_customer
from tests.factories import (
    NOW,
    customer_actor,
    give_access,
    history_of,
    make_customer,
    make_studio,
    staff_actor,
)

ADA = PortalUser(id="7", name="Ada Potter", email="Ada@Example.org", email_verified=True, phone="(416) 555-0123")


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def desk(studio):
    return staff_actor(studio, Role.FRONT_DESK)


def count(db_session, model):
    return db_session.scalar(select(func.count()).select_from(model))


# At the front desk


def test_a_new_customer_is_known_to_the_studio_with_a_phone_number_that_can_be_called(db_session, studio, desk):
    customer, new = create_customer(
        db_session,
        studio_id=studio.id,
        name="  Ada\u200b   Pot\u00adter\u200d ",
        email=" ada@example.org ",
        phone="416 555 0123",
        region="CA",
        notes="Left-handed",
        actor=desk,
        now=NOW,
    )

    assert new
    assert (customer.name, customer.email, customer.phone) == ("Ada Potter", "ada@example.org", "+14165550123")
    known = db_session.scalars(select(CustomerStudio)).one()
    assert (known.customer_id, known.studio_id, known.notes, known.internal) == (
        customer.id,
        studio.id,
        "Left-handed",
        False,
    )
    (act,) = history_of(db_session, customer.id)
    assert (act["action"], act["performed_by"]) == ("customer.created", desk.id)


def test_the_same_name_and_address_is_the_same_customer(db_session, studio, desk):
    known = make_customer(db_session, studio, name="Ada Potter", email="ada@example.org")

    again, new = create_customer(
        db_session, studio_id=studio.id, name="ada  potter", email="ADA@example.org", actor=desk, now=NOW
    )

    assert (again.id, new) == (known.id, False)
    assert count(db_session, Customer) == 1


def test_a_child_with_the_parent_s_address_is_a_customer_of_their_own(db_session, studio, desk):
    make_customer(db_session, studio, name="Ada Potter", email="ada@example.org")

    _, new = create_customer(
        db_session, studio_id=studio.id, name="Tim Potter", email="ada@example.org", actor=desk, now=NOW
    )

    assert new


def test_another_studio_s_customers_are_not_looked_at(db_session, studio, desk):
    elsewhere = make_customer(db_session, make_studio(db_session), name="Ada Potter", email="ada@example.org")

    customer, new = create_customer(
        db_session, studio_id=studio.id, name="Ada Potter", email="ada@example.org", actor=desk, now=NOW
    )

    assert new
    assert customer.id != elsewhere.id
    assert find_customers(db_session, studio_id=studio.id, q="ada", actor=desk) == [customer]


def test_a_name_keeps_what_joins_its_letters(db_session, studio, desk):
    customer, _ = create_customer(db_session, studio_id=studio.id, name="Noor\u200cjahan", actor=desk, now=NOW)

    assert customer.name == "Noor\u200cjahan"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "\u200b \u3164\u200d"}, "name"),
        ({"name": "…"}, "name"),
        ({"email": "ada"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"phone": "call me"}, "phone"),
        ({"phone": "4" * 40_000}, "phone"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_stored(db_session, studio, desk, asked, field):
    with pytest.raises(InvalidRequest) as refused:
        create_customer(db_session, studio_id=studio.id, **{"name": "Ada", **asked}, actor=desk, now=NOW)

    assert list(refused.value.values["errors"]) == [field]
    assert count(db_session, Customer) == 0


def test_each_word_is_found_in_name_address_or_phone(db_session, studio, desk):
    ada = make_customer(db_session, studio, name="Ada Potter", email="ada@example.org", phone="+14165550123")
    bea = make_customer(db_session, studio, name="Bea Potter", email="bea@example.org")
    make_customer(db_session, make_studio(db_session), name="Cy Potter")
    make_customer(db_session, studio, name="Gone Potter", erased_at=NOW)

    def found(q, **page):
        return find_customers(db_session, studio_id=studio.id, q=q, actor=desk, **page)

    assert found("potter") == [ada, bea]
    assert found("POTTER bea@") == [bea]
    assert found("555-0123") == [ada]
    assert found("100%") == found("_") == []
    assert found("", limit=1) == [ada]
    assert found("", limit=1, after=(ada.name, ada.id)) == [bea]


def test_digits_in_an_address_are_not_looked_for_in_phones(db_session, studio, desk):
    ada = make_customer(db_session, studio, name="Ada 2", email="ada2@example.org", phone="+14165550123")
    bea = make_customer(db_session, studio, name="Bea", email="bea2@example.org", phone="+14165550199")

    def found(q):
        return find_customers(db_session, studio_id=studio.id, q=q, actor=desk)

    assert found("bea2@example.org") == [bea]
    assert found("ada 2") == [ada]
    assert found("23") == found("1-4") == found("a416") == []
    assert found("416") == [ada, bea]
    assert found("+1 (416) 555-0199") == found("bea 0199") == [bea]
    assert found("(+) 0123") == found("+ --") == []


def test_customers_are_found_by_the_desk_of_their_studio_only(db_session, studio):
    with pytest.raises(Forbidden):
        find_customers(db_session, studio_id=studio.id, actor=staff_actor(studio, Role.INSTRUCTOR))
    with pytest.raises(NotFound):
        find_customers(db_session, studio_id=studio.id, actor=staff_actor(make_studio(db_session)))


def test_knowing_somebody_twice_is_knowing_them_once(db_session, studio):
    customer = make_customer(db_session)
    for _ in range(2):
        link_customer(db_session, customer_id=customer.id, studio_id=studio.id, now=NOW)
    assert count(db_session, CustomerStudio) == 1


# Users of the portal


def test_the_first_call_makes_a_customer_and_the_second_finds_them(db_session):
    customer = customer_for_portal_user(db_session, user=ADA, now=NOW)

    assert (customer.name, customer.email, customer.phone) == ("Ada Potter", "Ada@Example.org", "+14165550123")
    assert customer_for_portal_user(db_session, user=ADA, now=NOW) is customer
    assert [act["action"] for act in history_of(db_session, customer.id)] == ["customer.created"]


def test_a_walk_in_is_claimed_by_their_verified_address(db_session, studio):
    walk_in = make_customer(db_session, studio, name="Ada P.", email="ada@example.org")

    assert customer_for_portal_user(db_session, user=ADA, now=NOW) is walk_in
    assert walk_in.name == "Ada P."
    assert [act["action"] for act in history_of(db_session, walk_in.id)] == ["customer.claimed"]


@pytest.mark.parametrize("why", ["not verified", "two of them", "claimed already", "erased"])
def test_nobody_is_claimed_otherwise(db_session, studio, why):
    walk_in = make_customer(db_session, studio, email="ada@example.org", erased_at=NOW if why == "erased" else None)
    if why == "two of them":
        make_customer(db_session, studio, email="ada@example.org")
    if why == "claimed already":
        give_access(db_session, walk_in, "another user")
    user = PortalUser(id="7", name="Ada", email="ada@example.org", email_verified=why != "not verified")

    customer = customer_for_portal_user(db_session, user=user, now=NOW)

    assert customer.id != walk_in.id
    assert (customer.name, customer.email) == ("Ada", "ada@example.org")


def test_a_user_without_a_name_or_a_proper_phone_is_welcome(db_session):
    user = PortalUser(id="8", email="bea@example.org", phone="none")
    customer = customer_for_portal_user(db_session, user=user, now=NOW)
    assert (customer.name, customer.phone) == ("bea", None)


@pytest.mark.concurrency
@pytest.mark.parametrize("walk_in", [False, True])
def test_two_first_calls_at_once_make_one_customer(engine, walk_in):
    with Session(engine) as db_session:
        if walk_in:
            make_customer(db_session, email="ada@example.org")
        db_session.commit()
    together = Barrier(8)

    def call(_):
        together.wait(timeout=30)
        with Session(engine) as db_session, db_session.begin():
            return customer_for_portal_user(db_session, user=ADA, now=NOW).id

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(call, range(8)))

    with Session(engine) as db_session:
        assert len(ids) == 1
        assert (count(db_session, Customer), count(db_session, CustomerAccess)) == (1, 1)


@pytest.mark.concurrency
def test_a_walk_in_is_claimed_by_one_of_two_users_with_their_address(engine):
    with Session(engine) as db_session:
        walk_in = make_customer(db_session, email="ada@example.org").id
        db_session.commit()
    together = Barrier(2)

    def call(user_id):
        user = PortalUser(id=user_id, name="Ada", email="ada@example.org", email_verified=True)
        together.wait(timeout=30)
        with Session(engine) as db_session, db_session.begin():
            return customer_for_portal_user(db_session, user=user, now=NOW).id

    with ThreadPoolExecutor(2) as threads:
        ids = list(threads.map(call, ("1", "2")))

    assert len(set(ids)) == 2
    assert walk_in in ids


def test_the_portal_tells_of_changes(db_session):
    customer = customer_for_portal_user(db_session, user=ADA, now=NOW)
    changed = PortalUser(id="7", name="Ada Byron", email="byron@example.org")

    assert customer_changed(db_session, user=changed, now=NOW) is customer
    assert (customer.name, customer.email, customer.phone) == ("Ada Byron", "byron@example.org", "+14165550123")
    act = history_of(db_session, customer.id)[-1]
    assert (act["action"], act["details"]) == ("customer.changed", {"fields": ["email", "name"]})

    customer_changed(db_session, user=changed, now=NOW)
    assert len(history_of(db_session, customer.id)) == 2
    assert customer_changed(db_session, user=PortalUser(id="nobody"), now=NOW) is None


# Of oneself


def test_one_changes_phone_language_and_what_one_is_told(db_session, studio):
    customer = make_customer(db_session, studio, preferences={"sms": False})
    actor = customer_actor(customer)

    for changes in ({"phone": "+44 20 7946 0018", "locale": "fr-CA"}, {"preferences": {"reminder": False}}):
        update_me(db_session, customer_id=customer.id, changes=changes, actor=actor, now=NOW)

    assert (customer.phone, customer.locale) == ("+442079460018", "fr-CA")
    assert customer.preferences == {"sms": False, "reminder": False}
    update_me(db_session, customer_id=customer.id, changes={"phone": None, "locale": None}, actor=actor, now=NOW)
    assert (customer.phone, customer.locale) == (None, None)
    assert {act["performed_by_kind"] for act in history_of(db_session, customer.id)} == {"CUSTOMER"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"preferences": {"suspension": False}}, "preferences.suspension"),
        ({"preferences": {"sms": "no"}}, "preferences.sms"),
        ({"locale": "a language"}, "locale"),
        ({"phone": "x"}, "phone"),
        ({"name": "Somebody else"}, "name"),
    ],
)
def test_what_one_cannot_change_is_named(db_session, studio, changes, field):
    customer = make_customer(db_session, studio, preferences={})

    with pytest.raises(InvalidRequest) as refused:
        update_me(db_session, customer_id=customer.id, changes=changes, actor=customer_actor(customer), now=NOW)

    assert list(refused.value.values["errors"]) == [field]
    assert (customer.preferences, customer.phone) == ({}, None)


def test_a_guardian_changes_their_ward_and_nobody_else_does(db_session, studio, desk):
    parent, child = make_customer(db_session, studio), make_customer(db_session, studio)
    update_me(db_session, customer_id=child.id, changes={"locale": "fr"}, actor=customer_actor(parent, child), now=NOW)
    assert child.locale == "fr"
    for stranger in (customer_actor(parent), desk):
        with pytest.raises(NotFound):
            update_me(db_session, customer_id=child.id, changes={"locale": "en"}, actor=stranger, now=NOW)
        with pytest.raises(NotFound):
            create_feed_token(db_session, customer_id=child.id, actor=stranger)


def test_a_new_feed_token_makes_the_old_one_worthless(db_session, studio):
    customer = make_customer(db_session, studio)
    first, second = (
        create_feed_token(db_session, customer_id=customer.id, actor=customer_actor(customer)) for _ in range(2)
    )

    assert customer_by_feed_token(db_session, token=second) is customer
    for worthless in (first, "", customer.feed_token_hash or ""):
        with pytest.raises(NotFound):
            customer_by_feed_token(db_session, token=worthless)
    assert second not in str(customer.feed_token_hash)
