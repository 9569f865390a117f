"""A studio with its people, and callers of its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from studio_reservations.models import AccessKind, Role, TokenScope
from studio_reservations.services.tokens import create_token
from tests.api.client import Api
from tests.factories import (
    NOW,
    give_access,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_staff,
    make_studio,
)
from tests.host import Clock, User, db


@dataclass(frozen=True, kw_only=True)
class World:
    """Ids of what is there at `NOW`: a class with a session in a week, Ada with a punch pass and a reservation, and others."""

    studio: UUID
    slug: str
    studio_class: UUID
    session: UUID
    later_session: UUID
    ada: UUID
    ward: UUID
    eve: UUID
    stranger: UUID
    ada_pass: UUID
    ward_pass: UUID
    eve_pass: UUID
    reservation: UUID
    tokens: dict[str, str]
    users: dict[str, User]


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at the factories' instant."""
    return Clock(NOW)


@pytest.fixture
def stored(app: Flask) -> Callable[[], Any]:
    """Return what opens the portal's session, to prepare rows or look at them; it commits."""

    @contextmanager
    def open_session() -> Iterator[Session]:
        with app.app_context():
            yield db.session()
            db.session.commit()

    return open_session


@pytest.fixture
def world(stored: Callable[[], Any]) -> World:
    """Make a studio and its people."""
    with stored() as db_session:
        users = {
            name: User(email=f"{name}@example.org", name=name.replace("_", " ").title())
            for name in ("ada", "eve", "newcomer", *(role.value for role in Role), "other_manager")
        }
        db_session.add_all(users.values())
        db_session.flush()
        studio, other = make_studio(db_session, slug="clay"), make_studio(db_session, name="Kiln", slug="kiln")
        ada, ward, eve = (make_customer(db_session, studio, name=name) for name in ("Ada", "Kit", "Eve"))
        stranger = make_customer(db_session, other, name="Zoe")
        give_access(db_session, ada, users["ada"].get_id())
        give_access(db_session, ward, users["ada"].get_id(), kind=AccessKind.GUARDIAN)
        give_access(db_session, eve, users["eve"].get_id())
        for role in Role:
            staff = make_staff(db_session, studio, role, user_id=users[role.value].get_id())
            give_access(db_session, make_customer(db_session, name=role.value), users[role.value].get_id())
            if role is Role.INSTRUCTOR:
                teacher = staff
        make_staff(db_session, other, Role.OWNER, user_id=users["other_manager"].get_id())
        give_access(db_session, make_customer(db_session, name="other"), users["other_manager"].get_id())
        studio_class = make_class(db_session, studio)
        session = make_session(db_session, studio_class, instructor_id=teacher.id, location="Room 1")
        later = make_session(db_session, studio_class, starts_at=NOW + timedelta(days=9), capacity=2)
        ada_pass = make_pass(db_session, ada, studio)
        ward_pass, eve_pass = make_pass(db_session, ward, studio), make_pass(db_session, eve, studio)
        reservation = make_reservation(db_session, ada_pass, session)
        tokens = {
            "read": create_token(
                db_session, name="r", now=NOW, studio_id=studio.id, role=Role.MANAGER, scope=TokenScope.READ
            ),
            "write": create_token(db_session, name="w", now=NOW, studio_id=studio.id, role=Role.FRONT_DESK),
            "manage": create_token(db_session, name="m", now=NOW, studio_id=studio.id, role=Role.MANAGER),
            "customer": create_token(db_session, name="c", now=NOW, customer_id=ada.id),
            "over": create_token(db_session, name="o", now=NOW, customer_id=ada.id, expires_at=NOW),
        }
        made = World(
            studio=studio.id,
            slug=studio.slug,
            studio_class=studio_class.id,
            session=session.id,
            later_session=later.id,
            ada=ada.id,
            ward=ward.id,
            eve=eve.id,
            stranger=stranger.id,
            ada_pass=ada_pass.id,
            ward_pass=ward_pass.id,
            eve_pass=eve_pass.id,
            reservation=reservation.id,
            tokens=tokens,
            users=users,
        )
        db_session.commit()
        for user in users.values():
            db_session.refresh(user)
            db_session.expunge(user)
    return made


@pytest.fixture
def api(app: Flask, world: World) -> Callable[[str], Api]:
    """Return what makes a caller: a name of `World.users` or `World.tokens`, or "nobody"."""

    def make(name: str) -> Api:
        if name in world.tokens:
            return Api(app, token=world.tokens[name])
        return Api(app, user=world.users.get(name))

    return make
