"""What is somebody else's answers exactly like what does not exist, whatever id a call takes. Source: api.md, Errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from studio_reservations.api.routes import ENDPOINTS, Endpoint
from studio_reservations.models import Role, Studio
from studio_reservations.services.codes import CodeSigner
from tests.api.conftest import World
from tests.api.test_access import inputs
from tests.factories import (
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_staff,
    make_suspension,
    steps_of_class,
)

UNKNOWN = UUID("0190b6d8-0000-7000-8000-000000000000")
CALLERS = ("customer", "owner", "manage")
"""A customer, an owner who is a person too, and a studio's token, which is nobody."""

NAMED = {"studio", "code"}
"""What names a row without being a UUID."""

KINDS = {
    "reservation_id": "reservation",
    "makeup_for_id": "reservation",
    "registration_id": "registration",
    "session_id": "session",
    "class_id": "class",
    "step_id": "step",
    "customer_id": "customer",
    "customer_ids": "customer",
    "members": "customer",
    "instructor_id": "staff",
    "suspension_id": "suspension",
    "studio": "studio",
    "code": "code",
}
FAULTS: dict[str, tuple[Any, ...]] = {
    "cursor": ("of-my-own-making",),
    "from": ("2030-01-01",),
    "to": ("2020-01-01", "2199-01-01"),
    "customer_id": (None,),
    "override": (
        {"rules": ["session_full"], "reason": "Because."},
        {"rules": ["session_started"], "reason": ""},
        {"rules": ["session_started", "advance_limit_reached"], "reason": "Because."},
        {"rules": ["not_class_day"], "reason": "Because."},
    ),
    "starts_at": ("2150-01-01T10:00:00Z",),
    "ends_at": ("2020-01-01T10:00:00Z",),
    "capacity": (0,),
    "valid_until": ("1971-01-01",),
    "ends_on": ("1971-01-01",),
    "reason": (" ",),
    "delta": (-1_000,),
    "pass_type": ("nonsense",),
    "door_code": ("12345",),
    "if_free": (True,),
}
"""A second thing wrong with a call, by the field in which it stands; None leaves the field out."""

PRIVATE = [one for one in ENDPOINTS if not one.public]


@pytest.fixture
def foreign(stored, world: World) -> dict[str, list[Any]]:
    """Return, by kind, what is another studio's, and where customers have some what is another customer's."""
    with stored() as db_session:
        kiln = db_session.scalars(select(Studio).where(Studio.slug == "kiln")).one()
        wheel = make_class(db_session, kiln, steps=1)
        step = steps_of_class(db_session, wheel)[0]
        session = make_session(db_session, wheel, step=step)
        zoe = make_customer(db_session, kiln)
        registration = make_pass(db_session, zoe, kiln)
        reservation = make_reservation(db_session, registration, session)
        return {
            "reservation": [reservation.id],
            "registration": [registration.id],
            "session": [session.id],
            "class": [wheel.id],
            "step": [step.id],
            "customer": [zoe.id],
            "staff": [make_staff(db_session, kiln, Role.OWNER).id],
            "suspension": [make_suspension(db_session, zoe, kiln).id],
            "studio": ["kiln"],
            "code": [CodeSigner("not a secret").code_for(reservation.id)],
        }


def fields_with_ids(endpoint: Endpoint) -> Iterator[str]:
    """Name the parameters of the path and the fields of the query or body that name a row."""
    yield from (name for kind, name in endpoint.path_parameters if kind == "uuid")
    for name, field in endpoint.takes.model_fields.items():
        if "UUID" in str(field.annotation) or name in NAMED:
            yield name


def faults_of(endpoint: Endpoint, named: str) -> Iterator[dict[str, Any]]:
    """Give nothing, and then each fault that fits."""
    yield {}
    for name, field in endpoint.takes.model_fields.items():
        if name != named:
            yield from ({field.alias or name: value} for value in FAULTS.get(field.alias or name, ()))


def test_every_id_is_looked_at():
    assert {name for one in PRIVATE for name in fields_with_ids(one)} == set(KINDS)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("endpoint", [one for one in PRIVATE if list(fields_with_ids(one))], ids=lambda one: one.name)
def test_what_is_foreign_answers_like_what_is_unknown(endpoint, app, api, world, foreign):
    code = CodeSigner("not a secret")
    known = inputs(world, code.code_for(world.reservation)).get(endpoint.name, {})
    path = {
        "reservation_id": world.reservation,
        "session_id": world.session,
        "registration_id": world.ada_pass,
        "suspension_id": UNKNOWN,
    }
    unknown = {"studio": "nowhere", "code": code.code_for(UNKNOWN)}
    callers = {name: api(name) for name in CALLERS}
    of_eve = {"registration": [world.eve_pass], "customer": [world.eve]}

    def ask(caller: str, given: dict[str, Any], name: str, value: Any) -> tuple[int, bytes]:
        ids = {**path, **({name: value} if name in path and name not in endpoint.takes.model_fields else {})}
        if name in endpoint.takes.model_fields:
            of_one_only = {"registration_id", "class_id", "studio"} if endpoint.name == "list_available" else set()
            given = {key: one for key, one in given.items() if name not in of_one_only or key not in of_one_only}
            given[name] = [str(value)] if name in ("customer_ids", "members") else str(value)
        sent = {key: one for key, one in given.items() if one is not None}
        answer = callers[caller].call(
            endpoint.method, endpoint.open_path.format(**ids), **{"body" if endpoint.takes_body else "query": sent}
        )
        assert answer.status_code >= 400 or endpoint.name == "bulk_check_in", (caller, name, sent, answer.text)
        return answer.status_code, answer.data.replace(str(value).encode(), b"it")

    for name in fields_with_ids(endpoint):
        kind = KINDS[name]
        for fault in faults_of(endpoint, name):
            for caller in CALLERS:
                for value in foreign[kind] + (of_eve.get(kind, []) if caller == "customer" else []):
                    given = {**known, **fault}
                    asked = ask(caller, given, name, value)
                    assert asked == ask(caller, given, name, unknown.get(kind, UNKNOWN)), (caller, name, fault)
