"""The studio's policy, and what a class changes of it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.no_show_schemas import PolicyOut
from studio_reservations.api.requests import Input, Reason, unsent
from studio_reservations.api.routes import endpoint
from studio_reservations.api.staff_customers import StudioSlug
from studio_reservations.models import SelfCheckIn, Studio
from studio_reservations.services.directory import staff_studio
from studio_reservations.services.policies import policy_for, put_policy

TAG = "Staff: policies"
PATH = "/staff/policies"
MONTH_HOURS = 31 * 24
DAY_MINUTES = 24 * 60
TEN_YEARS_DAYS = 3650

UpToAMonth = Annotated[int | None, Field(default_factory=unsent, ge=0, le=MONTH_HOURS)]
UpToADay = Annotated[int | None, Field(default_factory=unsent, ge=0, le=DAY_MINUTES)]
Days = Annotated[int | None, Field(default_factory=unsent, ge=1, le=TEN_YEARS_DAYS)]
Switch = Annotated[bool | None, Field(default_factory=unsent)]


class PolicyQuery(Input):
    studio: StudioSlug = None
    class_id: UUID | None = Field(None, description="A class of the studio; without it, the studio's own policy.")


class PutPolicy(Input):
    """The whole policy of the studio or of one class: a field left out inherits, a class's null too.

    Suspensions are the studio's only; of its fields those two alone that say what null means can be null.
    """

    studio: StudioSlug = None
    class_id: UUID | None = Field(None, description="A class of the studio; without it, the studio's own policy.")
    reason: Reason | None = None
    grace_period_hours: UpToAMonth
    auto_cancel_futures: Switch
    max_no_shows: int | None = Field(default_factory=unsent, ge=1, le=1000, description="Null: never suspend.")
    no_show_window_days: int | None = Field(
        default_factory=unsent, ge=1, le=TEN_YEARS_DAYS, description="Null: a no-show counts for ever."
    )
    suspension_days: Days
    deduct_punch_on_no_show: Switch
    cancellation_cutoff_hours: UpToAMonth
    undo_minutes: UpToADay
    deduct_punch_on_late_cancel: Switch
    late_cancel_counts_as_no_show: Switch
    check_in_opens_minutes_before: UpToADay
    check_in_closes_minutes_after: UpToADay
    self_check_in: Annotated[SelfCheckIn | None, Field(default_factory=unsent)]
    notify_confirmation: Switch
    notify_reminder: Switch
    notify_check_in: Switch
    notify_no_show: Switch
    notify_auto_cancellation: Switch
    notify_suspension: Switch
    notify_reinstatement: Switch
    notify_cancelled: Switch
    notify_cancelled_by_studio: Switch
    notify_moved: Switch
    notify_restored: Switch
    notify_waived: Switch
    notify_late_charge: Switch
    notify_pass_expiring: Switch
    notify_sms_check_in: Switch
    notify_sms_last_call: Switch


@endpoint("GET", PATH, tag=TAG, takes=PolicyQuery, gives=PolicyOut, errors=("not_found", "forbidden"))
def get_policy(call: Call, query: PolicyQuery) -> Answer:
    """The policy in force for my studio or one of its classes, each field with whence it comes."""
    return _shown(call, staff_studio(call.db_session, call.actor, query.studio), query.class_id)


@endpoint("PUT", PATH, tag=TAG, takes=PutPolicy, gives=PolicyOut, errors=("not_found", "forbidden"))
def change_policy(call: Call, body: PutPolicy) -> Answer:
    """Set the whole policy; what is reserved already keeps its terms."""
    studio = staff_studio(call.db_session, call.actor, body.studio)
    put_policy(
        call.db_session,
        studio_id=studio.id,
        class_id=body.class_id,
        values=body.model_dump(exclude_unset=True, exclude={"studio", "class_id", "reason"}),
        actor=call.actor,
        now=call.now,
        reason=body.reason,
    )
    return _shown(call, studio, body.class_id)


def _shown(call: Call, studio: Studio, class_id: UUID | None) -> Answer:
    found = policy_for(call.db_session, actor=call.actor, studio_id=studio.id, class_id=class_id)
    fields: dict[str, Any] = {name: {"value": one.value, "source": one.source} for name, one in found.items()}
    return Answer(value={"studio": studio.slug, "class_id": None if class_id is None else str(class_id), **fields})
