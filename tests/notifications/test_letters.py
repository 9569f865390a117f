"""How messages read: whole, escaped, in the design's voice, and with a portal's own templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from jinja2 import DictLoader
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from studio_reservations.models import Base
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.letters import FOLDER
from studio_reservations.notifications.mail import Mail, as_message
from studio_reservations.policies.messages import SMS, Message
from studio_reservations.settings import load
from tests.notifications.gallery import CONFIG, World, mails_of, tell_everything

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


def letters(db_session: Session, *, templates=None, locale: str | None = None, **named: str) -> dict[str, Mail]:
    """Return every letter by its name."""
    world = World(db_session, **named)
    world.customer.locale = locale
    told = tell_everything(world)
    return dict(mails_of(world, told, Courier.of(load(CONFIG), secret="of the tests", templates=templates)))


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
