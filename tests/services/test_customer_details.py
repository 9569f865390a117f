"""Name, e-mail and phone, put right at the front desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio_reservations.errors import Forbidden, InvalidRequest, NotFound
from studio_reservations.identity import PortalUser
from studio_reservations.models import AccessKind, Role
from studio_reservations.services.accounts import customer_for_portal_user
from studio_reservations.services.customer_details import correct_customer
from studio_reservations.services.erasure import erase_customer
from tests.factories import NOW, give_access, history_of, link, make_customer, make_studio, staff_actor


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def desk(studio):
    return staff_actor(studio, Role.FRONT_DESK)


@pytest.fixture
def ada(db_session, studio):
    return make_customer(db_session, studio, name="Ada Potter", email="ada@example.org", phone="+14165550123")


@pytest.fixture
def correct(db_session, studio, desk, ada):
    """Return what corrects Ada; what is not named is sent as it is."""

    def act(*, actor=desk, customer=ada, **changes):
        as_it_is = {name: getattr(customer, name) for name in ("name", "email", "phone")}
        return correct_customer(
            db_session,
            studio_id=studio.id,
            customer_id=customer.id,
            actor=actor,
            now=NOW,
            region="CA",
            **as_it_is | changes,
        )

    return act


def wrong(refused) -> list[str]:
    return sorted(refused.value.values["errors"])


def test_what_is_corrected_is_kept_as_a_new_customer_s_is_and_history_has_no_word_of_it(
    db_session, studio, desk, ada, correct
):
    correct(name="  Ada   Byron ", email=" Byron@example.org ", phone="(416) 555-0199")

    assert (ada.name, ada.email, ada.phone) == ("Ada Byron", "Byron@example.org", "+14165550199")
    (act,) = history_of(db_session, ada.id)
    assert (act["action"], act["performed_by"], act["details"]) == (
        "customer.changed",
        desk.id,
        {"fields": ["email", "name", "phone"]},
    )
    correct(phone="416 555 0199")
    assert len(history_of(db_session, ada.id)) == 1
    correct(email="", phone=" ")
    assert (ada.email, ada.phone) == (None, None)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "ada"}, "email"),
        ({"phone": "12"}, "phone"),
    ],
)
def test_what_a_new_customer_cannot_be_nobody_is_made(db_session, ada, correct, asked, field):
    with pytest.raises(InvalidRequest) as refused:
        correct(**asked)

    assert wrong(refused) == [field]
    assert history_of(db_session, ada.id) == []


def test_one_person_is_not_made_two_records_of_one_name_and_address(db_session, studio, ada, correct):
    other = make_customer(db_session, studio, name="Adah Potter", email="ADA@example.org")
    elsewhere = make_studio(db_session)
    make_customer(db_session, elsewhere, name="Ada Byron", email="ada@example.org")

    with pytest.raises(InvalidRequest) as refused:
        correct(customer=other, name="ada  potter")
    assert wrong(refused) == ["email"]
    correct(name="Ada Byron")  # another studio's are not looked at
    correct(name="ada byron")  # nor is one's own record
    other.name = "Ada Byron"
    correct(phone="416 555 0100")  # two there were before can be rung all the same


def test_what_the_portal_says_is_the_portal_s(db_session, studio, ada, correct):
    user = PortalUser(id="7", name="Ada Potter", email="ada@example.org", email_verified=True)
    assert customer_for_portal_user(db_session, user=user, now=NOW) is ada

    with pytest.raises(InvalidRequest) as refused:
        correct(name="Ada Byron", email="byron@example.org", phone="416 555 0199")
    assert wrong(refused) == ["email", "name"]
    assert ada.phone == "+14165550123"
    correct(phone="416 555 0199")
    assert ada.phone == "+14165550199"


def test_a_ward_s_name_is_the_studio_s_to_correct(db_session, ada, correct):
    give_access(db_session, ada, "7", kind=AccessKind.GUARDIAN)

    correct(name="Ada Byron", email=None)

    assert (ada.name, ada.email) == ("Ada Byron", None)


def test_a_ward_is_corrected_as_by_any_parent_also_by_one_who_works_here(db_session, desk, ada, correct):
    correct(actor=replace(desk, customer_ids=frozenset({ada.id})), phone="(416) 555-0199")

    assert [one["performed_by_kind"] for one in history_of(db_session, ada.id)] == ["CUSTOMER"]


def test_whom_another_studio_knows_too_only_the_desk_of_both_corrects(db_session, studio, desk, ada, correct):
    other = make_studio(db_session)
    link(db_session, ada, other)

    with pytest.raises(Forbidden):
        correct(phone=None)
    assert ada.phone == "+14165550123"
    correct(actor=replace(desk, roles={studio.id: Role.FRONT_DESK, other.id: Role.OWNER}), phone=None)
    assert ada.phone is None


def test_who_is_unknown_or_forgotten_is_not_found_and_an_instructor_may_not(db_session, studio, ada, correct):
    with pytest.raises(Forbidden):
        correct(actor=staff_actor(studio, Role.INSTRUCTOR), name="Ada Byron")
    stranger = make_customer(db_session, make_studio(db_session))
    with pytest.raises(NotFound):
        correct(customer=stranger, name="Ada Byron")
    erase_customer(db_session, customer_id=ada.id, now=NOW)
    with pytest.raises(NotFound):
        correct(name="Ada Byron")
