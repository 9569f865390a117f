"""The front desk puts right what a customer is called and how they are reached."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from studio_reservations.models import Customer, ReservationHistory, Studio
from tests import factories
from tests.admin.conftest import Kiln, filled_in, press, told

LIST = "/admin/studio/customers/"


@pytest.fixture
def priya(kiln: Kiln):
    return kiln.own.customer


@pytest.fixture
def path(priya):
    return f"{LIST}{priya}/details"


def two_people(page: str) -> str:
    """Return the answer that the button gives to whether it is the same person; Enter in a field presses another."""
    first, *others = re.findall(r"<button ([^>]*)>", page.partition('name="opened"')[2])
    assert "anyway" not in first
    return next(answer for one in others for answer in re.findall(r'name="anyway" value="(\w+)"', one))


def test_the_desk_corrects_a_name_an_address_and_a_number(as_role, stored, priya, path):
    desk = as_role("front_desk")
    assert path in desk.get(f"{LIST}{priya}/").text
    page = desk.get(path).text
    asked = filled_in(page) | {"name": "Priya  Singh-Roy", "email": "roy@kiln.example", "phone": "(416) 555-0199"}
    assert "readonly" not in page

    page = told(desk, press(desk, path, **asked))

    assert "The details of Priya Singh-Roy are saved." in page
    assert "mailto:roy@kiln.example" in page
    assert "tel:+14165550199" in page
    assert "Details changed: email, name, phone" in page
    act = stored.scalars(select(ReservationHistory).where(ReservationHistory.subject_id == priya)).all()[-1]
    assert (act.action, act.details) == ("customer.changed", {"fields": ["email", "name", "phone"]})


def test_what_is_wrong_is_said_at_its_field_and_the_rest_stays(as_role, path):
    page = press(as_role("front_desk"), path, name="Priya Roy", email="nowhere", phone="12")

    assert page.status_code == 422
    assert 'id="email-error">Write an e-mail address.' in page.text
    assert 'id="phone-error">Write a phone number' in page.text
    assert filled_in(page.text)["name"] == "Priya Roy"


def test_whoever_may_be_the_same_person_is_shown_before_it_is_saved(as_role, stored, kiln: Kiln, priya, path):
    studio = stored.get_one(Studio, kiln.own.studio)
    roy = factories.make_customer(stored, studio, name="Priya Roy", email="roy@kiln.example", phone="+14165550100")
    stored.commit()
    desk, asked = as_role("front_desk"), {"name": "Priya Singh", "email": "ROY@kiln.example", "phone": "416 555 0100"}

    page = press(desk, path, **asked)

    assert "Kiln Street may know this person already" in page.text
    assert f"{LIST}{roy.id}/" in page.text
    assert "(same e-mail, phone)" in page.text
    assert "A manager can merge the two records." in page.text
    assert f"{LIST}{priya}/merge" in press(as_role("manager"), path, **asked).text
    anyway = two_people(page.text)
    # What is pressed answers what was asked: of another number it is asked anew.
    other = press(desk, path, anyway=anyway, **asked | {"phone": "416 555 0177"})
    assert "may know this person already" in other.text
    assert "Priya Singh are saved" in told(desk, press(desk, path, anyway=anyway, **asked))
    # What stays the same is not asked about again.
    assert press(desk, path, **asked | {"email": "", "phone": "+14165550100"}).status_code == 303
    namesake = {"name": "priya  roy", "email": "roy@kiln.example", "phone": ""}
    same = press(desk, path, anyway=two_people(press(desk, path, **namesake).text), **namesake)
    assert 'id="email-error">Another record here has this name and e-mail.' in same.text


def test_what_the_portal_says_is_shown_and_not_changed(as_role, stored, priya, path):
    factories.give_access(stored, stored.get_one(Customer, priya), "portal-7")
    stored.commit()
    desk = as_role("front_desk")
    page = desk.get(path).text
    assert page.count("readonly") == 2
    assert page.count("The portal says this.") == 2
    assert [one for one in re.findall(r"<input[^>]*>", page) if "autofocus" in one and 'name="phone"' not in one] == []
    assert page.count("autofocus") == 1

    refused = press(desk, path, name="Priya Roy", email="priya@kiln.example", phone="416 555 0100")

    assert refused.status_code == 422
    assert 'id="name-error">The portal says this.' in refused.text
    # The form can be sent as it is now, with the number that was typed.
    kept = filled_in(refused.text)
    assert (kept["name"], kept["phone"]) == ("Priya Singh", "416 555 0100")
    assert "tel:+14165550100" in told(desk, press(desk, path, **kept))


def test_whom_another_studio_knows_too_is_not_changed_here(as_role, stored, kiln: Kiln, priya, path):
    factories.link(stored, stored.get_one(Customer, priya), stored.get_one(Studio, kiln.foreign.studio))
    stored.commit()
    owner = as_role("owner")

    page = owner.get(path).text

    assert "Another studio knows Priya Singh too" in page
    assert "Save details" not in page


def test_who_was_late_to_know_that_another_studio_knows_them_is_told_with_what_they_wrote(
    as_role, stored, kiln: Kiln, priya, path
):
    desk = as_role("front_desk")
    opened = filled_in(desk.get(path).text)
    factories.link(stored, stored.get_one(Customer, priya), stored.get_one(Studio, kiln.foreign.studio))
    stored.commit()

    late = press(desk, path, **opened | {"phone": "416 555 0100"})

    assert late.status_code == 200
    assert "Another studio knows Priya Singh too" in late.text
    assert '<li>Phone: <b class="st-b st-plain">416 555 0100</b></li></ul>' in late.text
    assert stored.scalar(select(Customer.phone).where(Customer.id == priya)) is None
