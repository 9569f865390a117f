"""A pass and its life: issued, changed, adjusted, frozen, transferred, cancelled."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.registrations import pass_label
from studio_reservations.api.requests import Day, Input, Reason, ShortText
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import PageOf
from studio_reservations.api.staff_customers import StudioSlug
from studio_reservations.api.staff_schemas import LedgerEntryOut, PassChangeOut, StaffRegistrationOut
from studio_reservations.services.directory import staff_studio
from studio_reservations.services.issuing import issue_registration
from studio_reservations.services.listings import reservation_views
from studio_reservations.services.pass_terms import RegistrationChanges
from studio_reservations.services.pass_views import registration_view
from studio_reservations.services.registrations import PassChange, RegistrationService

TAG = "Staff: passes"
ERRORS = ("not_found", "forbidden", "invalid_transition")
PATH = "/staff/registrations/<uuid:registration_id>"


class IssuePass(Input):
    studio: StudioSlug = None
    customer_id: UUID
    pass_type: ShortText = Field(description="The plugin's key, such as `punch_pass`.")
    pass_options: dict[str, Any] = Field(default_factory=dict, description="What the pass type asks for.")
    class_id: UUID | None = Field(None, description="Without it the pass covers all classes of the studio.")
    members: list[UUID] = Field(default_factory=list, max_length=100, description="Who else may use the pass.")
    valid_from: Day | None = None
    valid_until: Day | None = None
    external_ref: ShortText | None = Field(None, description="The same reference issues one pass only.")
    max_advance_reservations: int | None = Field(None, ge=0, le=10_000, description="Left out: the pass type's own.")
    absence_grace_period_hours: int | None = Field(None, ge=0, le=8_784)


class ChangePass(Input):
    """What is not sent stays; null takes it away."""

    valid_from: Day | None = None
    valid_until: Day | None = None
    max_advance_reservations: int | None = Field(None, ge=0, le=10_000)
    absence_grace_period_hours: int | None = Field(None, ge=0, le=8_784)
    members: list[UUID] = Field(default_factory=list, max_length=100, description="Who else may use the pass.")
    reason: Reason | None = None


class Adjust(Input):
    delta: int = Field(ge=-1_000_000, le=1_000_000)
    reason: str = Field(max_length=1000)
    confirm: bool = Field(False, description="Also where less is left than reservations hold.")


class Why(Input):
    reason: Reason | None = None


class Previewed(Why):
    preview: bool = Field(False, description="Change nothing; say which reservations it would cancel.")


class Transfer(Previewed):
    class_id: UUID | None = Field(description="The class it is for from now on; null for all.")


@endpoint(
    "POST",
    "/staff/registrations",
    tag=TAG,
    takes=IssuePass,
    gives={201: StaffRegistrationOut},
    errors=("not_found", "forbidden", "pass_type_unavailable"),
)
def issue_pass(call: Call, body: IssuePass) -> Answer:
    """Issue a pass; asked again with its `external_ref`, the one that was issued."""
    studio = staff_studio(call.db_session, call.actor, body.studio)
    registration = issue_registration(
        call.db_session,
        studio_id=studio.id,
        customer_id=body.customer_id,
        pass_type=body.pass_type,
        pass_options=body.pass_options,
        class_id=body.class_id,
        members=body.members,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        external_ref=body.external_ref,
        absence_grace_period_hours=body.absence_grace_period_hours,
        max_advance_reservations=body.max_advance_reservations
        if "max_advance_reservations" in body.model_fields_set
        else ...,
        actor=call.actor,
        now=call.now,
        pass_types=call.state.pass_types,
    )
    return Answer(value=_shown(call, registration.id), status=201)


@endpoint(
    "PATCH", PATH, tag=TAG, takes=ChangePass, gives=StaffRegistrationOut, errors=(*ERRORS, "pass_type_unavailable")
)
def change_pass(call: Call, body: ChangePass, registration_id: UUID) -> Answer:
    """Change validity, limits and members; what is reserved stays."""
    changes: RegistrationChanges = body.model_dump(exclude_unset=True, exclude={"reason"})  # type: ignore[assignment]
    call.service(RegistrationService).update(
        registration_id=registration_id, changes=changes, actor=call.actor, reason=body.reason
    )
    return Answer(value=_shown(call, registration_id))


@endpoint(
    "POST",
    f"{PATH}/adjust",
    tag=TAG,
    takes=Adjust,
    gives=StaffRegistrationOut,
    errors=(*ERRORS, "punches_held", "reason_required"),
)
def adjust_pass(call: Call, body: Adjust, registration_id: UUID) -> Answer:
    """Add punches or take them away, and say why."""
    call.service(RegistrationService).adjust(
        registration_id=registration_id, delta=body.delta, reason=body.reason, confirm=body.confirm, actor=call.actor
    )
    return Answer(value=_shown(call, registration_id))


@endpoint("POST", f"{PATH}/freeze", tag=TAG, takes=Previewed, gives=PassChangeOut, errors=ERRORS)
def freeze_pass(call: Call, body: Previewed, registration_id: UUID) -> Answer:
    """Freeze a pass from today; its coming reservations are cancelled free."""
    change = call.service(RegistrationService).freeze(
        registration_id=registration_id, actor=call.actor, reason=body.reason, preview=body.preview
    )
    return _changed(call, change)


@endpoint("POST", f"{PATH}/unfreeze", tag=TAG, takes=Why, gives=StaffRegistrationOut, errors=ERRORS)
def unfreeze_pass(call: Call, body: Why, registration_id: UUID) -> Answer:
    """Let a frozen pass be used again, valid as many days longer as it was frozen."""
    call.service(RegistrationService).unfreeze(registration_id=registration_id, actor=call.actor, reason=body.reason)
    return Answer(value=_shown(call, registration_id))


@endpoint("POST", f"{PATH}/transfer", tag=TAG, takes=Transfer, gives=PassChangeOut, errors=ERRORS)
def transfer_pass(call: Call, body: Transfer, registration_id: UUID) -> Answer:
    """Make it a pass for another class; what it covers no more is cancelled free."""
    change = call.service(RegistrationService).transfer(
        registration_id=registration_id,
        class_id=body.class_id,
        actor=call.actor,
        reason=body.reason,
        preview=body.preview,
    )
    return _changed(call, change)


@endpoint("POST", f"{PATH}/cancel", tag=TAG, takes=Previewed, gives=PassChangeOut, errors=ERRORS)
def cancel_pass(call: Call, body: Previewed, registration_id: UUID) -> Answer:
    """Cancel a pass for good; its coming reservations are cancelled free."""
    change = call.service(RegistrationService).cancel(
        registration_id=registration_id, actor=call.actor, reason=body.reason, preview=body.preview
    )
    return _changed(call, change)


@endpoint(
    "GET",
    f"{PATH}/ledger",
    tag=TAG,
    takes=PageQuery,
    gives=PageOf[LedgerEntryOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def get_ledger(call: Call, query: PageQuery, registration_id: UUID) -> Answer:
    """Every change of the balance, the oldest first. The reasons that staff wrote down are for staff alone."""
    page = query.page()
    rows = call.service(RegistrationService).ledger(
        registration_id=registration_id,
        actor=call.actor,
        limit=page.limit + 1,
        after=page.after and page.after[1],
    )
    timezone = registration_view(call.db_session, registration_id).timezone
    return Answer(
        value=page_json(
            rows,
            page=page,
            key=lambda row: (row.created_at, row.id),
            item=lambda row: serial.ledger_entry(row, timezone, reader=call.actor),
        )
    )


def _shown(call: Call, registration_id: UUID) -> dict[str, Any]:
    row = registration_view(call.db_session, registration_id)
    pass_types = call.state.pass_types
    return serial.staff_registration(
        row, pass_label(pass_types, row.pass_type), fault=pass_types.fault_of(row.pass_type)
    )


def _changed(call: Call, change: PassChange) -> Answer:
    call.db_session.flush()
    rows = reservation_views(call.db_session, [one.id for one in change.cancelled])
    return Answer(
        value={
            "registration": _shown(call, change.registration.id),
            "preview": change.preview,
            "cancelled": [serial.reservation(rows[one.id]) for one in change.cancelled],
        }
    )
