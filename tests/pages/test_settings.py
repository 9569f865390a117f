"""Settings: messages, telephone, language, the private calendar, everything in one file, and deleting it."""

from __future__ import annotations

import json
from datetime import timedelta

import icalendar
import pytest
import vobject

from studio_reservations.models import (
    ClassSession,
    Customer,
    CustomerAccess,
    SessionReservation,
    Studio,
)
from studio_reservations.models.base import Base
from studio_reservations.services.exporting import everything_about
from tests.factories import NOW, customer_actor


@pytest.fixture
def ada(browser):
    return browser("ada")


def customer(stored, customer_id):
    with stored() as db_session:
        one = db_session.get_one(Customer, customer_id)
        return {name: getattr(one, name) for name in ("name", "phone", "locale", "preferences", "feed_token_hash")}


def test_switches_are_saved_and_shown(ada, people, stored):
    form = ada.get("/settings").form("Save for Ada : Messages")
    assert {"reminder", "check_in", "pass_expiring"} <= set(form.fields)
    del form.fields["reminder"]

    page = ada.send(form)

    assert "Saved." in page.text
    assert "reminder" not in page.form("Save for Ada : Messages").fields
    assert customer(stored, people.ada)["preferences"] == {
        "reminder": False,
        "check_in": True,
        "pass_expiring": True,
        "sms": True,
    }


def test_text_messages_are_offered_where_a_studio_sends_them(ada, people, stored):
    assert "Text messages" not in ada.get("/settings").text
    with stored() as db_session:
        db_session.get_one(Studio, people.studio).sms_enabled = True

    assert "Text messages" in ada.get("/settings").text


def test_a_telephone_number_is_kept_in_its_international_form(ada, people, stored):
    ada.send(ada.get("/settings").form("Save for Ada : Telephone"), phone="(416) 555-0123", locale="fr")

    kept = customer(stored, people.ada)
    assert (kept["phone"], kept["locale"]) == ("+14165550123", "fr")
    assert '<html lang="fr"' in ada.get("/settings").html


def test_a_number_that_is_none_is_refused_in_its_place(ada, people, stored):
    page = ada.send(ada.get("/settings").form("Save for Ada : Telephone"), phone="call me")

    assert page.status == 422
    assert "Write a phone number" in page.text
    assert "Not saved yet. Write a phone number" in page.text
    assert 'value="call me"' in page.html
    assert 'aria-describedby="ph-fault hp" autofocus' in page.html
    assert customer(stored, people.ada)["phone"] is None


def test_what_was_chosen_beside_a_wrong_field_is_kept(ada):
    page = ada.send(ada.get("/settings").form("Save for Ada : Telephone"), phone="12", locale="fr")

    assert page.status == 422
    assert '<option value="fr" lang="fr" selected>' in page.html


def test_what_was_switched_on_a_page_that_was_open_for_too_long_is_kept(ada):
    form = ada.get("/settings").form("Save for Ada : Messages")
    del form.fields["reminder"]

    page = ada.send(form, csrf_token="old")

    assert "Press the button again." in page.text
    assert "reminder" not in page.form("Save for Ada : Messages").fields


def test_a_wards_language_is_that_of_their_messages(ada, people):
    assert (
        "Of the messages about Otto. These pages are in your own language."
        in ada.get(f"/settings?for={people.otto}").text
    )


def test_a_region_of_the_chosen_language_is_kept(ada, people, stored):
    with stored() as db_session:
        db_session.get_one(Customer, people.ada).locale = "en-CA"

    ada.send(ada.get("/settings").form("Save for Ada : Telephone"), locale="en")
    assert customer(stored, people.ada)["locale"] == "en-CA"

    assert ada.send(ada.get("/settings").form("Save for Ada : Telephone"), locale="tlh").status == 422
    ada.send(ada.get("/settings").form("Save for Ada : Telephone"), locale="")
    assert customer(stored, people.ada)["locale"] is None


def test_a_wards_settings_are_their_own(ada, people, stored):
    page = ada.get(f"/settings?for={people.otto}")
    assert "For Otto Potter" in page.text

    ada.send(page.form("Save for Otto : Telephone"), phone="+1 416 555 0199")

    assert customer(stored, people.otto)["phone"] == "+14165550199"
    assert customer(stored, people.ada)["phone"] is None


def address_in(page):
    return page.html.partition('id="fa" value="')[2].partition('"')[0]


def test_the_feed_is_shown_once_and_read_by_two_readers(ada, people, stored):
    page = ada.send(ada.get("/settings").form("Make the address"))
    address = address_in(page)
    assert f"webcal://{address.partition('://')[2]}" in page.links
    assert page.response.request.method == "GET"  # so that loading it again makes no other
    assert address not in page.response.request.url
    assert address not in ada.get("/settings").html

    answer = ada.client.get(address)

    (event,) = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    other = vobject.readOne(answer.get_data(as_text=True)).vevent
    assert event.decoded("dtstart") == other.dtstart.value == NOW + timedelta(days=7)
    assert str(event["summary"]) == other.summary.value
    assert str(event["uid"]) == other.uid.value == f"{people.reservation}@studio-reservations"


def test_a_new_address_ends_the_old_one_and_deleting_ends_all(ada, people, stored):
    first = address_in(ada.send(ada.get("/settings").form("Make the address")))
    second = address_in(ada.send(ada.get("/settings").form("Make a new address")))
    assert ada.client.get(first).status_code == 404
    assert ada.client.get(second).status_code == 200

    page = ada.send(ada.get("/settings").form("Delete the address"))

    assert "The address of the calendar is deleted." in page.text
    assert ada.client.get(second).status_code == 404
    assert customer(stored, people.ada)["feed_token_hash"] is None


def test_everything_is_one_file(ada, people, stored):
    with stored() as db_session:
        db_session.get_one(SessionReservation, people.reservation).explanation = "The tram stood still."

    answer = ada.client.get("/studio/settings/my-data.json")

    assert "my-data.json" in answer.headers["Content-Disposition"]
    held = json.loads(answer.data)
    assert held["customer"]["name"] == "Ada Potter"
    assert held["reservations"][0]["explanation"] == "The tram stood still."
    assert held["reservations"][0]["starts_at"] == (NOW + timedelta(days=7)).isoformat()
    assert held["passes"][0]["sessions_remaining"] == 5
    assert held["punches"][0]["delta"] == 5
    assert str(people.otto) not in answer.text
    assert "feed_token_hash" not in answer.text


def test_no_table_about_a_customer_is_forgotten_in_the_file(people, stored):
    with stored() as db_session:
        ada = db_session.get_one(Customer, people.ada)
        held = everything_about(db_session, customer_id=people.ada, actor=customer_actor(ada), now=NOW)
    told = set(held) - {
        "exported_at",
        "customer",
        "merged_customers",
        "names",
        "deliveries",
        "punches",
        "suspensions_for",
    }
    of_a_customer = {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if "customer_id" in mapper.columns and mapper.class_.__tablename__ != "studio_customer"
    }

    assert len(told) == len(of_a_customer), (told, of_a_customer)


def test_a_wards_file_is_theirs(ada, people):
    held = json.loads(ada.client.get(f"/studio/settings/my-data.json?for={people.otto}").data)

    assert held["customer"]["name"] == "Otto Potter"
    assert held["reservations"] == []


def test_deleting_says_what_ends_and_what_stays(ada, people):
    page = ada.get("/settings/delete")

    assert "1 is cancelled, free of charge:" in page.text
    assert "1 pass can no longer be used." in page.text
    assert "What must stay The studio's books" in page.text


def test_without_the_tick_nothing_is_deleted(ada, people, stored):
    page = ada.send(ada.get("/settings/delete").form("Delete my data for good"))

    assert page.status == 422
    assert "Not deleted yet. Tick the box first" in page.text
    assert (
        'id="ag" name="agreed" value="1" required aria-invalid="true" aria-describedby="ag-fault" autofocus'
        in page.html
    )
    assert customer(stored, people.ada)["name"] == "Ada Potter"


def test_my_data_is_deleted_and_the_seat_is_free_again(ada, people, stored):
    page = ada.send(ada.get("/settings/delete").form("Delete my data for good"), agreed="1")

    assert "Your data is deleted" in page.text
    assert "Ada" not in page.text
    assert "/" in page.links
    again = ada.get(page.response.request.full_path)
    assert (again.status, "Your data is deleted" in again.text) == (200, True)
    with stored() as db_session:
        assert db_session.get_one(Customer, people.ada).name == "Erased customer"
        assert db_session.get_one(SessionReservation, people.reservation).status == "CANCELLED"
        assert db_session.get_one(ClassSession, people.session).seats_taken == 1  # Eve's
        assert db_session.query(Customer).filter_by(name="Ada").count() == 0
    assert "No studio knows you yet" in ada.get("/sessions").text


def test_a_wards_data_is_deleted_and_the_guardian_goes_on(ada, people, stored):
    form = ada.get(f"/settings/delete?for={people.otto}").form("Delete the data of Otto for good")

    page = ada.send(form, agreed="1")

    assert "The data was deleted." in page.text
    assert "Otto" not in page.text
    with stored() as db_session:
        assert db_session.get_one(Customer, people.otto).name == "Erased customer"
        assert db_session.get_one(Customer, people.ada).name == "Ada Potter"
        assert db_session.query(CustomerAccess).filter_by(customer_id=people.otto).count() == 0


@pytest.mark.parametrize("path", ["/settings", "/settings/my-data.json", "/settings/delete"])
def test_nobody_elses_settings_are_found(path, ada, people):
    assert ada.get(f"{path}?for={people.eve}").status == 404


def test_whoever_is_here_is_not_told_that_they_are_deleted(ada):
    assert ada.client.get("/studio/deleted").location == "/studio/settings"
    assert "Ada Potter" in ada.get("/settings").text
