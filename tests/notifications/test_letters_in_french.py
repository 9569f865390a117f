"""Letters and text messages in the language of whoever reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from jinja2 import DictLoader
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from studio_reservations.models import AccessKind, Base, Channel, ClassSession
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.delivery import claim
from studio_reservations.notifications.expanding import expand
from studio_reservations.notifications.letters import FOLDER
from studio_reservations.notifications.mail import Mail
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.settings import load
from tests import factories
from tests.factories import NOW
from tests.notifications.gallery import CONFIG, World, mails_of, tell_everything

ENGLISH = re.compile(r"\b(the|you|your|was|were|is|are|studio's|punch|pass|seat|reserved|with|for)\b", re.IGNORECASE)
NAMES = re.compile(r"Kiln Street Pottery|Beginner Wheel Throwing|Wheel room, 14 Kiln Street|\S+@\S+|https?://\S+")


@pytest.fixture
def db_session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as db_session:
        yield db_session
    engine.dispose()


@pytest.fixture
def world(db_session: Session) -> World:
    """Return a studio whose customer reads French."""
    world = World(db_session)
    world.customer.locale = "fr-CA"
    return world


def test_no_letter_to_a_customer_keeps_an_english_word(world: World):
    for name, mail in letters(world).items():
        if name == "webhook_disabled":  # the owners', who have no language here
            continue
        said = NAMES.sub("", f"{mail.subject}\n{mail.text}")
        assert ENGLISH.findall(said) == [], name
        assert re.findall(r"%\(|[{}]", said) == [], name
        assert '<html lang="fr-CA" dir="ltr"' in mail.html, name


def test_a_confirmation_says_the_day_as_french_does(world: World):
    mail = letters(world)["confirmation"]

    assert mail.subject == "Vous avez une place\u00a0: Beginner Wheel Throwing, mar. 8 décembre, 18:00"
    assert "L’annulation est gratuite jusqu’au lun. 7 décembre, 18:00." in mail.text
    assert "  mar. 8 décembre, 18:00–20:00" in mail.text
    for part in ("mar.", "8", "déc."):
        assert f">{part}</span>" in mail.html
    assert b"SUMMARY:Beginner Wheel Throwing" in mail.calendars[0].content


def test_what_there_is_one_of_is_singular(world: World):
    mail = letters(world)["check_in"]

    assert "1 entrée est utilisée. Il reste 5 entrées sur le forfait." in mail.text
    assert "le mar. 1er décembre, 10:00." in mail.text


def test_an_override_of_the_portals_serves_every_language_and_can_speak_each(world: World):
    own = DictLoader(
        {
            f"{FOLDER}/confirmation.txt": (
                '{% extends "original/confirmation.txt" %}'
                '{% block title %}{{ say("You have a seat") }} · {{ punches(2) }} · {{ counted(0, "# pot", "# pots") }}'
                "{% endblock %}"
            ),
            f"{FOLDER}/fr/waived.txt": (
                "{% block subject %}Excusé{% endblock %}{% block title %}Excusé{% endblock %}{% block so %}Merci.{% endblock %}"
            ),
        }
    )
    found = letters(world, templates=own)

    assert found["confirmation"].text.startswith("Vous avez une place · 2 entrées · 0 pot\n")
    assert "Votre place est réservée" in found["confirmation"].text
    assert found["waived"].subject == "Excusé"


@pytest.mark.parametrize(
    ("message", "starts_in", "text"),
    [
        (
            "sms_check_in",
            timedelta(hours=2),
            (
                "Kiln Street Pottery : Beginner Wheel Throwing commence aujourd'hui à 12:00. "
                "Confirmez votre arrivée sur place (Wheel room, 14 Kiln Street)."
            ),
        ),
        (
            "sms_last_call",
            timedelta(minutes=30),
            (
                "Kiln Street Pottery : Beginner Wheel Throwing commence à 10:30 et votre arrivée n'est pas encore "
                "confirmée. Confirmez-la, ou annulez pour céder la place."
            ),
        ),
    ],
)
def test_text_messages_use_the_characters_of_their_alphabet(
    world: World, message: str, starts_in: timedelta, text: str
):
    seat = world.seat(days=0, hour=0)
    session = world.db_session.get_one(ClassSession, seat.session_id)
    session.starts_at, session.ends_at = NOW + starts_in, NOW + starts_in + timedelta(hours=2)
    world.tell(message, {}, of=seat)

    assert courier().text_message(told(world), now=NOW) == text


def test_a_child_without_a_language_is_written_about_in_that_of_the_parent(world: World):
    world.customer.locale, world.customer.email = None, None
    parent = factories.make_customer(world.db_session, world.studio, name="Noor Rahman", email="Noor@example.org")
    parent.locale = "fr"
    factories.give_access(world.db_session, parent, "7")
    factories.give_access(world.db_session, world.customer, "7", kind=AccessKind.GUARDIAN)
    world.tell("reservation.created", {}, of=world.seat(days=7))

    mail = courier().letter(told(world), now=NOW)

    assert mail.recipient == "Noor@example.org"
    assert mail.text.startswith("Une place est réservée pour Maya Rahman\nPour Maya Rahman\n")


def courier(templates: DictLoader | None = None) -> Courier:
    """Return the courier of a portal."""
    return Courier.of(load(CONFIG), secret="of the tests", templates=templates, pass_types=installed_pass_types())


def letters(world: World, *, templates: DictLoader | None = None) -> dict[str, Mail]:
    """Return every letter by its name."""
    return dict(mails_of(world, tell_everything(world), courier(templates)))


def told(world: World):
    """Return the one delivery that is due."""
    world.db_session.flush()
    expand(world.db_session, as_of=NOW, sms=True)
    [occasion] = claim(world.db_session, now=NOW, channels=(Channel.EMAIL, Channel.SMS))
    return occasion
