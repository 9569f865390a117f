"""``flask studio create``, ``rollout``, ``staff``, ``customer`` and ``token``."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations import LoginIdentity
from studio_reservations.database import run_in_transaction
from studio_reservations.errors import Forbidden
from studio_reservations.models import (
    ApiToken,
    Customer,
    CustomerStudio,
    ReservationHistory,
    Role,
    Rollout,
    Studio,
    StudioStaff,
)
from studio_reservations.services.customers import set_internal
from studio_reservations.services.studios import set_rollout, studio_by_slug
from studio_reservations.services.tokens import create_token, token_hash
from tests import host
from tests.factories import make_customer, make_studio, staff_actor
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


def known(app: Flask, **fields: Any) -> UUID:
    """Make a customer whom the studio yoga knows."""
    with app.app_context():
        return run_in_transaction(lambda session: make_customer(session, studio_by_slug(session, "yoga"), **fields).id)


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


def test_a_studio_is_opened_by_its_rollout_and_history_tells(app, yoga, clock):
    assert said(app, "rollout", yoga, "internal") == "yoga: reservations INTERNAL.\n"
    said(app, "rollout", yoga, "ON")
    said(app, "rollout", yoga, "on")

    (studio,) = rows(app, Studio)
    told = [act for act in rows(app, ReservationHistory) if act.action == "studio.rollout_changed"]
    assert studio.rollout == "ON"
    assert [(act.from_status, act.to_status, act.performed_by) for act in told] == [
        ("OFF", "INTERNAL", "flask studio rollout"),
        ("INTERNAL", "ON", "flask studio rollout"),
    ]
    assert {(act.subject_type, act.subject_id, act.studio_id) for act in told} == {("studio", studio.id, studio.id)}


def test_a_rollout_that_cannot_be_is_explained(app, yoga):
    assert "There is no studio 'west'" in refused(app, "rollout", "west", "on")
    assert "'maybe' is not one of" in refused(app, "rollout", yoga, "maybe")

    assert rows(app, Studio)[0].rollout == "OFF"


def test_only_an_owner_says_whom_the_studio_lets_in(app, yoga, clock):
    def work(session: Session, role: Role) -> None:
        studio = session.scalars(select(Studio)).one()
        actor, customer = staff_actor(studio, role), make_customer(session, studio)
        set_rollout(session, studio_id=studio.id, rollout=Rollout.ON, actor=actor, now=clock.now)
        set_internal(session, studio_id=studio.id, customer_id=customer.id, internal=True, actor=actor, now=clock.now)

    with app.app_context():
        with pytest.raises(Forbidden):
            run_in_transaction(lambda session: work(session, Role.MANAGER))
        run_in_transaction(lambda session: work(session, Role.OWNER))

    assert rows(app, Studio)[0].rollout == "ON"
    assert rows(app, CustomerStudio)[0].internal


def test_a_customer_is_let_in_early_by_address_or_id(app, yoga):
    ada = known(app, name="Ada", email="ada@example.org")

    assert said(app, "customer", "internal", "ADA@example.org", "--studio", yoga, "--on") == (
        "Ada is let in while the rollout of yoga is INTERNAL.\n"
    )
    said(app, "customer", "internal", str(ada), "--studio", yoga, "--on")
    assert [one.internal for one in rows(app, CustomerStudio)] == [True]

    said(app, "customer", "internal", str(ada), "--studio", yoga, "--off")
    assert [one.internal for one in rows(app, CustomerStudio)] == [False]
    told = [act.details for act in rows(app, ReservationHistory) if act.action == "customer.changed"]
    assert [act["internal"] for act in told] == [True, False]


def test_a_customer_who_cannot_be_let_in_is_explained(app, yoga):
    first, second = (known(app, name=name, email="potter@example.org") for name in ("Ada", "Bea"))
    with app.app_context():
        stranger = run_in_transaction(lambda session: make_customer(session, make_studio(session)).id)

    asked = ("customer", "internal", "--studio", yoga, "--on")
    assert f"yoga knows no customer {stranger}" in refused(app, *asked, str(stranger))
    assert "yoga knows no customer cy@example.org" in refused(app, *asked, "cy@example.org")
    several = refused(app, *asked, "potter@example.org")
    assert f"{first}  Ada" in several
    assert f"{second}  Bea" in several
    assert "--on" in refused(app, "customer", "internal", str(first), "--studio", yoga)

    assert not any(one.internal for one in rows(app, CustomerStudio))


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
        (("--studio", "yoga", "--role", "owner", "--user-id", ""), "user_id: Write the portal's id of the user."),
        (("--studio", "yoga", "--role", "owner", "--user-id", " "), "user_id: Write the portal's id of the user."),
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
        (("--studio", "yoga", "--role", "owner", "--name", ""), "name: Write what the token is for."),
        (("--studio", "yoga", "--role", "owner", "--name", " "), "name: Write what the token is for."),
    ],
)
def test_a_token_that_cannot_be_made_is_explained(app, yoga, words, sentence):
    assert sentence in refused(app, "token", "create", "--name", "shop", *words)

    assert rows(app, ApiToken) == []


def test_tokens_are_listed_without_themselves(app, yoga, clock):
    ada = known(app, name="Ada")
    printed = [
        said(app, "token", "create", "--studio", yoga, "--role", "front_desk", "--name", "door", "--days", "30"),
        said(app, "token", "create", "--customer", str(ada), "--name", "watch", "--scope", "read"),
    ]
    door, watch = sorted(rows(app, ApiToken), key=lambda one: one.id)

    listed = said(app, "token", "list")

    expires = (clock.now + timedelta(days=30)).strftime("%Y-%m-%d %H:%M UTC")
    assert listed.splitlines() == [
        f"{door.id}  door: front_desk of yoga, write, expires {expires}, not revoked",
        f"{watch.id}  watch: customer Ada {ada}, read, does not expire, not revoked",
    ]
    assert not any(one.strip() in listed or token_hash(one.strip()) in listed for one in printed)
    assert said(app, "token", "list", "--studio", yoga) == listed.splitlines()[0] + "\n"
    assert "There is no studio 'west'" in refused(app, "token", "list", "--studio", "west")


def test_a_revoked_token_is_worthless(app, yoga, clock):
    token = said(app, "token", "create", "--studio", yoga, "--role", "owner", "--name", "door").strip()
    (kept,) = rows(app, ApiToken)
    headers, first = {"Authorization": f"Bearer {token}"}, clock.now
    assert app.test_client().get("/api/me", headers=headers).status_code == 200

    assert said(app, "token", "revoke", str(kept.id)) == f"door: revoked {first:%Y-%m-%d %H:%M} UTC.\n"

    assert app.test_client().get("/api/me", headers=headers).status_code == 401
    clock.advance(hours=1)
    said(app, "token", "revoke", str(kept.id))
    assert rows(app, ApiToken)[0].revoked_at == first
    assert f"revoked {first:%Y-%m-%d %H:%M} UTC" in said(app, "token", "list")


def test_a_token_that_cannot_be_revoked_is_explained(app, yoga):
    missing = "019ab7ca-0000-7000-8000-000000000000"

    assert f"There is no token {missing}: flask studio token list" in refused(app, "token", "revoke", missing)
    assert "'door' is not a valid UUID" in refused(app, "token", "revoke", "door")


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


def test_a_command_before_the_tables_are_made_says_what_to_do(empty_url, clock):
    app = host.create_app(empty_url, clock=clock)

    result = app.test_cli_runner().invoke(args=["studio", "create", "early", "--name", "Early", "--timezone", "UTC"])

    assert result.exit_code == 1
    assert "flask studio db upgrade" in result.output
    host.dispose_engines(app)
