"""Who works where: the last owner stays, also when two leave at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, InvalidRequest, LastOwner, NotFound, StudioError
from studio_reservations.models import Role, Studio, StudioStaff
from studio_reservations.services.actors import SYSTEM, Actor
from studio_reservations.services.staff import StaffService
from tests import factories
from tests.factories import NOW, history_of
from tests.services.test_check_in_races import postgresql_only, race


def service(db_session: Session) -> StaffService:
    return StaffService(db_session, clock=lambda: NOW)


def owners_of(db_session: Session, studio: Studio) -> int:
    owners = select(func.count()).where(StudioStaff.role == "owner", StudioStaff.active.is_(True))
    return db_session.scalars(owners.where(StudioStaff.studio_id == studio.id)).one()


def test_an_owner_appoints_changes_and_lets_go_and_history_tells(db_session):
    studio = factories.make_studio(db_session)
    owner = factories.staff_actor(studio, Role.OWNER)
    staff = service(db_session)

    member = staff.appoint(studio_id=studio.id, user_id="7", role=Role.INSTRUCTOR, name="Ana", actor=owner)
    assert staff.appoint(studio_id=studio.id, user_id="7", role=Role.INSTRUCTOR, actor=owner) is member
    staff.change_role(staff_id=member.id, role=Role.MANAGER, actor=owner)
    staff.deactivate(staff_id=member.id, actor=owner)
    staff.deactivate(staff_id=member.id, actor=owner)
    staff.change_role(staff_id=member.id, role=Role.MANAGER, actor=owner)

    assert (member.role, member.name, member.active) == ("manager", "Ana", True)
    assert [(one["action"], one["from_status"], one["to_status"]) for one in history_of(db_session, studio.id)] == [
        ("staff.added", None, "instructor"),
        ("staff.role_changed", "instructor", "manager"),
        ("staff.deactivated", "manager", None),
        ("staff.added", None, "manager"),
    ]


def test_only_an_owner_of_the_studio_may(db_session):
    studio, elsewhere = factories.make_studio(db_session), factories.make_studio(db_session)
    member = factories.make_staff(db_session, studio, Role.OWNER)
    staff = service(db_session)

    with pytest.raises(Forbidden):
        staff.deactivate(staff_id=member.id, actor=factories.staff_actor(studio, Role.MANAGER))
    with pytest.raises(NotFound):
        staff.change_role(staff_id=member.id, role=Role.MANAGER, actor=factories.staff_actor(elsewhere, Role.OWNER))
    with pytest.raises(InvalidRequest):
        staff.appoint(studio_id=studio.id, user_id=" ", role=Role.OWNER, actor=SYSTEM)


def test_the_last_owner_stays_unless_an_operator_says_otherwise(db_session):
    studio = factories.make_studio(db_session)
    last = factories.make_staff(db_session, studio, Role.OWNER)
    factories.make_staff(db_session, studio, Role.MANAGER)
    owner = factories.staff_actor(studio, Role.OWNER, staff=last)
    staff = service(db_session)

    with pytest.raises(LastOwner):
        staff.deactivate(staff_id=last.id, actor=owner)
    with pytest.raises(LastOwner):
        staff.appoint(studio_id=studio.id, user_id=last.user_id, role=Role.MANAGER, actor=owner)
    assert owners_of(db_session, studio) == 1

    staff.change_role(staff_id=last.id, role=Role.MANAGER, actor=SYSTEM)
    assert owners_of(db_session, studio) == 0


def leaving(engine: Engine, member: StudioStaff, studio: Studio) -> Callable[[], str]:
    staff_id, actor = member.id, factories.staff_actor(studio, Role.OWNER, staff=member)

    def act() -> str:
        with Session(engine) as db_session, db_session.begin():
            try:
                service(db_session).deactivate(staff_id=staff_id, actor=actor)
            except StudioError as error:
                return error.code
            return "gone"

    return act


def two_owners(db_session: Session) -> tuple[Studio, list[StudioStaff]]:
    studio = factories.make_studio(db_session)
    owners = [factories.make_staff(db_session, studio, Role.OWNER) for _ in range(2)]
    db_session.commit()
    return studio, owners


@pytest.mark.concurrency
@postgresql_only
def test_of_two_owners_who_leave_at_once_one_stays(db_session, engine):
    studio, owners = two_owners(db_session)

    outcomes = race(*(leaving(engine, one, studio) for one in owners))

    assert sorted(outcomes) == ["gone", "last_owner"]
    assert owners_of(db_session, studio) == 1


@pytest.mark.concurrency
@postgresql_only
def test_without_the_lock_both_would_leave(db_session, engine, monkeypatch):
    studio, owners = two_owners(db_session)
    monkeypatch.setattr(StaffService, "_lock", lambda _self, _studio_id: None)
    both_have_looked, keep = Barrier(2), StaffService._keep_an_owner

    def keep_then_wait(staff: StaffService, member: StudioStaff, actor: Actor) -> None:
        keep(staff, member, actor)
        both_have_looked.wait(10)

    monkeypatch.setattr(StaffService, "_keep_an_owner", keep_then_wait)

    outcomes = race(*(leaving(engine, one, studio) for one in owners))

    assert outcomes == ["gone", "gone"]
    assert owners_of(db_session, studio) == 0
