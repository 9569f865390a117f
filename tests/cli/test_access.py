"""``flask studio create``, ``staff add`` and ``token create``."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations import LoginIdentity
from studio_reservations.database import run_in_transaction
from studio_reservations.models import ApiToken, Customer, Studio, StudioStaff
from studio_reservations.services.tokens import create_token, token_hash
from tests import host
from tests.factories import make_customer
from tests.host import db


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["studio", *words])


def said(app: Flask, *words: str) -> str:
    result = run(app, *words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(app: Flask, *words: str) -> str:
    result = run(app, *words)
    assert result.exit_code in (1, 2), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def rows(app: Flask, model: type[Any]) -> list[Any]:
    with app.app_context():
        found = list(db.session.scalars(select(model)))
        db.session.expunge_all()
    return found


@pytest.fixture
def yoga(app: Flask) -> str:
    said(app, "create", "yoga", "--name", "Yoga West", "--timezone", "America/Toronto")
    return "yoga"


def test_a_studio_is_opened_for_nobody_yet(app, clock):
    assert said(app, "create", "yoga", "--name", "Yoga West", "--timezone", "America/Toronto") == (
        "yoga: Yoga West, America/Toronto, reservations OFF.\n"
    )

    (studio,) = rows(app, Studio)
    assert (studio.slug, studio.name, studio.timezone, studio.rollout) == (
        "yoga",
        "Yoga West",
        "America/Toronto",
        "OFF",
    )
    assert studio.created_at == clock.now


def test_a_studio_may_be_opened_for_all(app):
    said(app, "create", "yoga", "--name", "Yoga", "--timezone", "UTC", "--rollout", "ON")

    assert rows(app, Studio)[0].rollout == "ON"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("Yoga West", "--name", "Yoga", "--timezone", "UTC"), "slug: Use small letters"),
        (("yoga-", "--name", "Yoga", "--timezone", "UTC"), "slug: Use small letters"),
        (("west", "--name", "  ", "--timezone", "UTC"), "name: Write a name."),
        (("west", "--name", "Yoga", "--timezone", "Toronto"), "timezone: Use an IANA name"),
        (("yoga", "--name", "Yoga", "--timezone", "UTC"), "There is a studio of that slug already"),
        (("west", "--name", "Yoga", "--timezone", "UTC", "--rollout", "MAYBE"), "'MAYBE' is not one of"),
    ],
)
def test_a_studio_that_cannot_be_opened_is_explained(app, yoga, words, sentence):
    assert sentence in refused(app, "create", *words)

    assert [studio.slug for studio in rows(app, Studio)] == ["yoga"]


def test_staff_are_added_once_and_change_their_role(app, yoga):
    assert said(app, "staff", "add", "--studio", yoga, "--user-id", "7", "--role", "owner", "--name", "Ana") == (
        "Portal user 7 is owner of yoga.\n"
    )
    said(app, "staff", "add", "--studio", yoga, "--user-id", "7", "--role", "front_desk")

    (staff,) = rows(app, StudioStaff)
    assert (staff.user_id, staff.role, staff.name, staff.active) == ("7", "front_desk", "Ana", True)


def test_staff_may_be_named_by_address(database_url, clock):
    ana = SimpleNamespace(get_id=lambda: "7", email="ana@example.com", name="Ana")
    identity = LoginIdentity(by_email={"ana@example.com": ana}.get)
    app = host.create_app(database_url, clock=clock, identity=identity)
    said(app, "create", "yoga", "--name", "Yoga", "--timezone", "UTC")

    said(app, "staff", "add", "--studio", "yoga", "--email", "ana@example.com", "--role", "manager")
    assert "no user bo@example.com" in refused(
        app, "staff", "add", "--studio", "yoga", "--email", "bo@example.com", "--role", "manager"
    )

    assert [(staff.user_id, staff.name) for staff in rows(app, StudioStaff)] == [("7", "Ana")]
    host.dispose_engines(app)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--studio", "yoga", "--role", "owner"), "either --user-id or --email"),
        (("--studio", "yoga", "--role", "owner", "--user-id", "7", "--email", "a@b.c"), "either --user-id or --email"),
        (("--studio", "nowhere", "--role", "owner", "--user-id", "7"), "There is no studio 'nowhere'"),
        (("--studio", "yoga", "--role", "king", "--user-id", "7"), "'king' is not one of"),
        (("--studio", "yoga", "--role", "owner", "--email", "a@b.c"), "give --user-id"),
    ],
)
def test_staff_that_cannot_be_added_are_explained(app, yoga, words, sentence):
    assert sentence in refused(app, "staff", "add", *words)

    assert rows(app, StudioStaff) == []


def test_a_token_of_a_studio_is_printed_once_and_kept_as_a_hash(app, yoga, clock):
    printed = said(app, "token", "create", "--studio", yoga, "--role", "front_desk", "--name", "shop", "--days", "30")

    token = printed.strip()
    (kept,) = rows(app, ApiToken)
    assert token.startswith("st_")
    assert len(token) > 40
    assert kept.token_hash == token_hash(token)
    assert (kept.name, kept.role, kept.customer_id, kept.scope) == ("shop", "front_desk", None, "write")
    assert kept.expires_at == clock.now + timedelta(days=30)


def test_a_token_of_a_customer_that_only_reads(app):
    with app.app_context():
        customer_id = run_in_transaction(lambda session: make_customer(session).id)

    said(app, "token", "create", "--customer", str(customer_id), "--name", "watch", "--scope", "read")

    (kept,) = rows(app, ApiToken)
    assert (kept.customer_id, kept.studio_id, kept.role, kept.scope) == (customer_id, None, None, "read")
    assert kept.expires_at is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give --studio and --role, or --customer"),
        (("--studio", "yoga"), "Give --studio and --role, or --customer"),
        (("--role", "owner"), "Give --studio and --role, or --customer"),
        (("--studio", "nowhere", "--role", "owner"), "There is no studio 'nowhere'"),
        (("--customer", "7"), "'7' is not a valid UUID"),
        (("--customer", "019ab7ca-0000-7000-8000-000000000000"), "There is no customer 019ab7ca"),
        (("--customer", "019ab7ca-0000-7000-8000-000000000000", "--role", "owner"), "give --customer alone"),
        (("--studio", "yoga", "--role", "owner", "--days", "0"), "--days"),
    ],
)
def test_a_token_that_cannot_be_made_is_explained(app, yoga, words, sentence):
    assert sentence in refused(app, "token", "create", "--name", "shop", *words)

    assert rows(app, ApiToken) == []


@pytest.mark.parametrize("owners", [(), ("customer_id", "studio_id")], ids=["nobody", "two"])
def test_a_token_of_nobody_or_of_two_is_a_mistake_of_the_caller(app, clock, owners):
    def work(session: Session) -> str:
        customer = make_customer(session)
        owned_by: dict[str, Any] = dict.fromkeys(owners, customer.id)
        return create_token(session, name="x", now=clock.now, **owned_by)

    with app.app_context(), pytest.raises(ValueError, match="of a studio with a role, or of a customer"):
        run_in_transaction(work)

    assert rows(app, Customer) == []
    assert rows(app, ApiToken) == []
