"""One person of the roster: all that is known, all that can be done, and the pages that ask before it is done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wtforms import Form, StringField, TextAreaField
from wtforms.validators import AnyOf, InputRequired, Length

from studio_reservations.admin.roster_acts import to_roster
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form, page
from studio_reservations.errors import StudioError
from studio_reservations.models import Role
from studio_reservations.policies.cancelling import is_free
from studio_reservations.sentences import sentence_of
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.listings import history_of
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.overrides import CHECKING_IN, Override
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.roster_views import is_class_day, person_on_roster, phase_of

LONGEST_REASON = 1_000


class ReasonForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Why."""

    reason = TextAreaField(
        "Why",
        [
            InputRequired("Write why, for whoever reads the history."),
            Length(max=LONGEST_REASON, message="Write at most 1,000 characters."),
        ],
    )


class NoteForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Why, if there is something to say."""

    reason = TextAreaField("Note, if you like", [Length(max=LONGEST_REASON, message="Write at most 1,000 characters.")])


class CancelForm(NoteForm):
    """On whose terms."""

    terms = StringField("Terms", [AnyOf(("free", "customer"), message="Choose on whose terms.")])


class RosterPerson(StaffScreen):
    """The pages of one reservation."""

    @page("/reservations/<uuid:reservation_id>/", least=Role.INSTRUCTOR)
    def person(self, desk: Desk, reservation_id: UUID) -> str:
        """Show one reservation with all that can be done about it."""
        return self.show(
            "roster_person.html",
            history=history_of(desk.db_session, reservation_id),
            **self._person(desk, reservation_id),
        )

    @form("/reservations/<uuid:reservation_id>/anyway", least=Role.FRONT_DESK)
    def anyway(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Ask why, and check in although a rule says no."""
        asked = ReasonForm(desk.given)
        shown = self._person(desk, reservation_id)
        service = desk.service(CheckInService)
        standing, refusal = self._in_the_way(desk, service, reservation_id)
        if desk.sent and (not standing or asked.validate()):
            rules = frozenset(one.code for one in standing)
            override = Override(rules=rules, reason=asked.reason.data or "") if rules else None
            service.check_in(reservation_id=reservation_id, actor=desk.actor, override=override)
            return Done(
                message=f"{shown['tile'].name} is checked in.", to=to_roster(shown["class_session"].id, reservation_id)
            )
        said = [sentence_of(one, timezone=shown["timezone"]) for one in standing]
        against = None if refusal is None else sentence_of(refusal, timezone=shown["timezone"])
        return self.show("roster_anyway.html", form=asked, desk=desk, said=said, against=against, **shown)

    @form("/reservations/<uuid:reservation_id>/cancel", least=Role.FRONT_DESK)
    def cancel(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Ask on whose terms, and cancel."""
        asked = CancelForm(desk.given)
        shown = self._person(desk, reservation_id)
        if desk.sent and asked.validate():
            outcome = desk.service(ReservationService).cancel_reservation(
                actor=desk.actor,
                reservation_id=reservation_id,
                reason=(asked.reason.data or "").strip() or None,
                as_customer=asked.terms.data == "customer",
            )
            charged = outcome.punches_charged
            cost = f" {charged} {'punch was' if charged == 1 else 'punches were'} charged." if charged else ""
            return Done(
                message=f"The reservation of {shown['tile'].name} is cancelled.{cost}",
                to=to_roster(shown["class_session"].id),
            )
        row = shown["tile"].row
        free = is_free(
            now=desk.now,
            free_until=row.free_cancellation_until,
            undo_until=row.undo_until,
            starts_at=shown["class_session"].starts_at,
            checked_in=row.status == "CHECKED_IN",
        )
        return self.show("roster_cancel.html", form=asked, desk=desk, free=free, **shown)

    @form("/reservations/<uuid:reservation_id>/waive", least=Role.MANAGER)
    def waive(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Say what a waive gives back, and waive."""
        asked = NoteForm(desk.given)
        shown = self._person(desk, reservation_id)
        if desk.sent and asked.validate():
            waived = desk.service(NoShowService).waive(
                reservation_id=reservation_id, actor=desk.actor, reason=(asked.reason.data or "").strip() or None
            )
            back = sum(one.refusal is None for one in waived.futures)
            more = f" {back} later reservation{'s are' if back > 1 else ' is'} back." if back else ""
            return Done(
                message=f"The no-show of {shown['tile'].name} is waived.{more}",
                to=to_roster(shown["class_session"].id, reservation_id),
            )
        return self.show("roster_waive.html", form=asked, desk=desk, **shown)

    def _person(self, desk: Desk, reservation_id: UUID) -> dict[str, Any]:
        found, tile = person_on_roster(
            desk.db_session,
            actor=desk.actor,
            reservation_id=reservation_id,
            now=desk.now,
            pass_types=desk.state.pass_types,
        )
        return {
            "class_session": found,
            "tile": tile,
            "own": desk.actor.acts_for(tile.row.customer_id),
            "timezone": found.timezone,
            "phase": phase_of(found, desk.now),
            "class_day": is_class_day(found, desk.now),
            "desk_may": desk.actor.has_role(found.studio_id, Role.FRONT_DESK),
            "manager_may": desk.actor.has_role(found.studio_id, Role.MANAGER),
        }

    def _in_the_way(
        self, desk: Desk, service: CheckInService, reservation_id: UUID
    ) -> tuple[list[StudioError], StudioError | None]:
        """Return the rules against a check-in that this actor may set aside, and the first that they may not."""
        found: list[StudioError] = []
        while True:
            rules = frozenset(one.code for one in found)
            answer = service.can_check_in(
                reservation_id=reservation_id,
                actor=desk.actor,
                override=Override(rules=rules, reason="asked") if rules else None,
            )
            if answer.refusal is None or answer.refusal.code not in CHECKING_IN:
                return found, answer.refusal
            found.append(answer.refusal)
