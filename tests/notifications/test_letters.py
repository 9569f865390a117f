"""How messages read: whole, escaped, in the design's voice, and with a portal's own templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from jinja2 import DictLoader
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from studio_reservations.models import AccessKind, Base
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.letters import FOLDER
from studio_reservations.notifications.mail import Mail, as_message
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies.messages import SMS, Message
from studio_reservations.settings import load
from tests import factories
from tests.notifications.gallery import CONFIG, World, mails_of, tell_everything

CREDITS = ("studio_credit_pack:CreditPack",)
EVIL = '<script>alert(1)</script>"><img src=x onerror=y>\r\nBcc: all@example.org {{ 7 * 7 }}'


@pytest.fixture
def db_session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as db_session:
        yield db_session
    engine.dispose()


def test_there_is_a_letter_for_every_message(db_session: Session):
    told = set(tell_everything(World(db_session)))

    assert {message.value for message in set(Message) - SMS} <= told


def test_letters_say_what_is_so_why_and_what_to_do_without_codes_or_excuses(db_session: Session):
    for name, mail in letters(db_session).items():
        said = f"{mail.subject}\n{mail.text}".lower()
        for word in ("sorry", "please note", "no-show", "none", "undefined", "auto_cancelled", "{", "}"):
            assert word not in said, (name, word)
        assert "\n" not in mail.subject
        assert "  " not in mail.subject
        assert len(mail.subject) < 90, name
        assert "<" not in mail.text.replace("<hello@", "")
        assert re.search(r"[.!?]\n", mail.text), name


def test_a_page_is_whole_and_loads_nothing_from_elsewhere(db_session: Session):
    for name, mail in letters(db_session).items():
        page = _Page()
        page.feed(mail.html)
        assert page.open_tags == [], name
        assert page.loaded == [], name
        assert page.headings == 1, name
        assert "prefers-color-scheme: dark" in mail.html
        dark = mail.html.partition("prefers-color-scheme: dark")[2].partition("</style>")[0]
        for part in (
            "title",
            "so",
            "why",
            "todo",
            "class",
            "line",
            "number",
            "foot",
            "button",
            "chip",
            "sheet",
            "ticket",
        ):
            assert re.search(rf"\.{part}\b[^{{}}]*{{[^}}]*color: ", dark), part
        assert "script" not in mail.html.lower()


def test_names_cannot_carry_markup_or_headers(db_session: Session):
    for name, mail in letters(db_session, class_title=EVIL, name=EVIL).items():
        assert "<script" not in mail.html, name
        assert "<img" not in mail.html, name
        assert "{{ 7 * 7 }}" in mail.html or "script" not in mail.html, name
        message = as_message(mail)
        assert message["Bcc"] is None
        assert b"\nBcc:" not in message.as_bytes().partition(b"\n\n")[0]


def test_a_portal_overrides_a_template_and_may_keep_what_it_does_not_change(db_session: Session):
    own = DictLoader(
        {
            f"{FOLDER}/confirmation.txt": (
                '{% extends "original/confirmation.txt" %}'
                "{% block title %}See you at {{ studio.name }}, {{ customer.name }}{% endblock %}"
            ),
            f"{FOLDER}/fr/reminder.txt": (
                "{% block subject %}Demain : {{ seat.class_title }}{% endblock %}"
                "{% block title %}À demain{% endblock %}{% block so %}Votre place vous attend.{% endblock %}"
            ),
        }
    )
    found = letters(db_session, templates=own, locale="fr-CA")

    assert "See you at Kiln Street Pottery, Maya Rahman" in found["confirmation"].html
    assert "Votre place est réservée" in found["confirmation"].text
    assert found["reminder"].subject == "Demain : Beginner Wheel Throwing"
    assert found["no_show"].subject.startswith("Vous avez manqué")


def test_a_night_that_cancels_three_lists_them(db_session: Session):
    mail = letters(db_session)["auto_cancellation"]

    assert mail.subject == "3 reservations were cancelled"
    for day in ("Fri 4 December", "Tue 8 December", "Tue 15 December"):
        assert day in mail.text


def test_a_missed_class_says_until_when_and_how_to_explain(db_session: Session):
    mail = letters(db_session)["no_show"]

    assert "Tell the studio before Wed 2 December, 02:00" in mail.text
    assert "Explain what happened: https://kilnstreet.example/my/reservations/" in mail.text


def test_what_cannot_be_switched_off_says_so(db_session: Session):
    found = letters(db_session)

    assert "cannot be switched off" in found["confirmation"].text
    assert found["confirmation"].unsubscribe_url is None
    for name in ("reminder", "check_in", "pass_expiring"):
        assert f"Switch this message off: {found[name].unsubscribe_url}" in found[name].text


def test_a_pass_that_counts_something_else_is_never_said_to_have_punches(db_session: Session):
    found = letters(db_session, pass_type="credit_pack")

    for name, mail in found.items():
        assert "punch" not in f"{mail.subject}\n{mail.text}".lower(), name
    assert found["pass_expiring"].subject.startswith("Your pass ends on")
    assert found["pass_expiring"].subject.endswith(": Credit pack")
    assert "Left on it: 5 credits." in found["pass_expiring"].text
    assert "Taken: 1 credit. Left on the pass: 5 credits." in found["check_in"].text
    assert "Then it is 1 credit." in found["confirmation"].text


def test_it_has_its_own_words_in_french_too(db_session: Session):
    found = letters(db_session, pass_type="credit_pack", locale="fr")

    assert found["pass_expiring"].subject.endswith("\u00a0: Carnet de crédits")
    assert "Solde\u00a0: 5 crédits." in found["pass_expiring"].text
    assert "Retrait\u00a0: 1 crédit." in found["check_in"].text
    assert not any("entrée" in mail.text for mail in found.values())


def test_a_pass_whose_plugin_is_missing_is_told_by_its_key_and_in_punches(db_session: Session):
    found = letters(db_session, pass_type="gone_pack")

    assert found["pass_expiring"].subject.endswith(": gone pack")
    assert "5 punches are left on it." in found["pass_expiring"].text


def test_whoever_acts_for_somebody_reads_their_name(db_session: Session):
    found = letters(db_session, at_a_parents=True, name="Mina Okafor")

    for name, said in {
        "confirmation": "The seat of Mina Okafor in Beginner Wheel Throwing is reserved for",
        "reminder": "Mina Okafor has a seat in",
        "check_in": "Mina Okafor is checked in for",
        "no_show": "nobody checked Mina Okafor in",
        "waived": "the class that Mina Okafor missed",
    }.items():
        assert said in found[name].text, name
        assert not re.search(r"\b[Yy]ou (are checked in|have a seat|missed|did not)", found[name].text), name


def test_a_late_charge_leads_to_the_reservation_of_which_it_tells(db_session: Session):
    assert re.search(r"See your reservation: https://\S+/my/reservations/", letters(db_session)["late_charge"].text)


def test_a_time_to_explain_that_is_still_to_come_is_not_said_to_have_ended(db_session: Session):
    said = letters(db_session)["auto_cancellation"].text  # there the cause may still be explained

    assert "You missed Beginner Wheel Throwing on Mon 30 November, 18:00.\n" in said
    assert "ended" not in said


def letters(
    db_session: Session,
    *,
    templates=None,
    locale: str | None = None,
    pass_type: str = "punch_pass",
    at_a_parents: bool = False,
    **named: str,
) -> dict[str, Mail]:
    """Return every letter by its name."""
    world = World(db_session, **named)
    world.customer.locale, world.held.pass_type = locale, pass_type
    if at_a_parents:
        world.customer.email = None
        parent = factories.make_customer(db_session, world.studio, name="Noor Okafor", email="noor@example.org")
        factories.give_access(db_session, parent, "7")
        factories.give_access(db_session, world.customer, "7", kind=AccessKind.GUARDIAN)
    told = tell_everything(world)
    courier = Courier.of(
        load(CONFIG), secret="of the tests", templates=templates, pass_types=installed_pass_types(CREDITS)
    )
    return dict(mails_of(world, told, courier))


class _Page(HTMLParser):
    VOID = frozenset({"meta", "br", "img", "link", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.loaded: list[str] = []
        self.headings = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open_tags.append(tag)
        self.headings += tag == "h1"
        self.loaded += [str(value) for name, value in attrs if name == "src"] + ([tag] if tag == "link" else [])

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
