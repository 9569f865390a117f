"""Who may use a pass beside its holder.

Source: rules.md §1, §4.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest
from studio_reservations.models import ClassRegistration, RegistrationMember
from studio_reservations.pass_type_registry import InstalledPassType
from studio_reservations.services.customers import require_known

MOST_MEMBERS = 100


def members_of(db_session: Session, registration_id: UUID) -> set[UUID]:
    """Return the further people of a pass."""
    of_pass = RegistrationMember.registration_id == registration_id
    return set(db_session.scalars(select(RegistrationMember.customer_id).where(of_pass)))


def check_number(registration: ClassRegistration, members: Collection[UUID], pass_type: InstalledPassType) -> None:
    """:raises InvalidRequest: where that is more than the pass type allows. :raises PassTypeUnavailable:"""
    people = pass_type.people(registration.pass_options)
    most = MOST_MEMBERS if people is None else min(people - 1, MOST_MEMBERS)
    if len(members) > most:
        told = f"This pass takes at most {most} beside its holder." if most else "This pass is for its holder alone."
        raise InvalidRequest(errors={"members": told})


def set_members(
    db_session: Session, registration: ClassRegistration, wanted: Collection[UUID], *, now: datetime
) -> None:
    """Let exactly these people use the pass beside its holder. :raises NotFound: for one whom the studio does not know."""
    known = members_of(db_session, registration.id)
    for customer_id in sorted(set(wanted) - known):
        require_known(db_session, customer_id=customer_id, studio_id=registration.studio_id)
        db_session.add(
            RegistrationMember(
                studio_id=registration.studio_id,
                registration_id=registration.id,
                customer_id=customer_id,
                created_at=now,
            )
        )
    if gone := known - set(wanted):
        db_session.execute(
            delete(RegistrationMember).where(
                RegistrationMember.registration_id == registration.id, RegistrationMember.customer_id.in_(gone)
            )
        )
