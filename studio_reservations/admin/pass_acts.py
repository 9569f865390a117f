"""What managers do with a pass that was issued: each act on a page that says what will happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import url_for
from wtforms import DateField, Form, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from studio_reservations.admin.form_conflicts import fresh, merge
from studio_reservations.admin.forms import REASON, NeededReasonForm, ReasonForm, choices
from studio_reservations.admin.pass_options import WholeField
from studio_reservations.admin.pass_words import counted, ticket
from studio_reservations.admin.people import id_asked, put_at_fields, say_day, say_when
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form
from studio_reservations.errors import InvalidTransition, PunchesHeld
from studio_reservations.models import ClassRegistration, RegistrationStatus, Role, SessionReservation, Studio
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.customer_views import customers_of_studio
from studio_reservations.services.issuing import LAST_DAY, MOST_ADVANCE, MOST_GRACE_HOURS
from studio_reservations.services.listings import reservation_views
from studio_reservations.services.pass_cards import PassCard, cards_of, classes_for, members_of, pass_row
from studio_reservations.services.pass_terms import MOST_PUNCHES, RegistrationChanges
from studio_reservations.services.registrations import PassChange, RegistrationService


class AdjustForm(NeededReasonForm):
    """Punches given or taken, and why."""

    delta = WholeField(
        "How many to add or take",
        [
            InputRequired("Write how many: 2 adds two, −1 takes one."),
            NumberRange(-MOST_PUNCHES, MOST_PUNCHES, "Write a smaller number."),
        ],
        description="2 adds two, -1 takes one.",
        render_kw={"type": "number", "step": "1"},
    )


class ChangeForm(Form):  # type: ignore[misc] # WTForms ships no types
    """The terms that can be changed."""

    valid_from = DateField("First day", [Optional()], description="Empty: at once.")
    valid_until = DateField("Last day", [Optional()], description="Empty: without an end.")
    max_advance_reservations = WholeField(
        "Reservations in advance",
        [Optional(), NumberRange(0, MOST_ADVANCE, f"Write a number from 0 to {MOST_ADVANCE:,}.")],
        description="How many coming reservations it can hold at once. Empty: as many as one likes.",
        render_kw={"type": "number", "min": "0"},
    )
    absence_grace_period_hours = WholeField(
        "Grace after a missed class, in hours",
        [Optional(), NumberRange(0, MOST_GRACE_HOURS, f"Write hours from 0 to {MOST_GRACE_HOURS:,}.")],
        description="Empty: as the studio’s policy says.",
        render_kw={"type": "number", "min": "0"},
    )
    reason = StringField("Reason, kept in the history", [Optional(), REASON])


class TransferForm(ReasonForm):
    """The class that a pass is to be for."""

    class_id = SelectField("For")


class PassActs(StaffScreen):
    """Adjust, extend, members, freeze, unfreeze, transfer, cancel."""

    @form("/<uuid:registration_id>/adjust", least=Role.MANAGER)
    def adjust(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Give or take punches; what is endangered is listed and confirmed."""
        card, asked = self._card(desk, registration_id), AdjustForm(desk.given)
        if desk.sent and asked.validate():
            pass_ = desk.service(RegistrationService).adjust(
                registration_id=registration_id,
                delta=asked.delta.data,
                reason=asked.reason.data,
                confirm=desk.given.get("confirm") == "1",
                actor=desk.actor,
            )
            return self._done(card, f"{counted(pass_.sessions_remaining or 0, card.remaining.unit)} left.")
        endangered: list[Any] = []
        if isinstance(desk.refusal, PunchesHeld):
            ids = [UUID(one["reservation_id"]) for one in desk.refusal.values["reservations"]]
            endangered = _in_order(desk, ids)
        desk = put_at_fields(desk, asked)
        return self._shown("pass_adjust.html", desk, card, asked=asked, endangered=endangered)

    @form("/<uuid:registration_id>/terms", least=Role.MANAGER)
    def terms(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Extend a pass, or change how far ahead one may reserve with it."""
        saved = ChangeForm(obj=fresh(desk, desk.own(ClassRegistration, registration_id)))
        card = self._card(desk, registration_id)
        asked = ChangeForm(desk.given if "sent" in desk.given else None, obj=card.row)
        merged = merge(desk, asked, saved, but=("reason",))
        if desk.sent and asked.validate() and not merged.conflicts:
            changes: RegistrationChanges = {
                "valid_from": asked.valid_from.data,
                "valid_until": asked.valid_until.data,
                "max_advance_reservations": asked.max_advance_reservations.data,
                "absence_grace_period_hours": asked.absence_grace_period_hours.data,
            }
            desk.service(RegistrationService).update(
                registration_id=registration_id, changes=changes, actor=desk.actor, reason=asked.reason.data or None
            )
            return self._done(card, "The terms are changed. What is reserved stays.")
        desk = put_at_fields(desk, asked)
        return self._shown("pass_terms.html", desk, card, asked=asked, merged=merged)

    @form("/<uuid:registration_id>/members", least=Role.MANAGER)
    def members(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Say who else may use a pass."""
        card = self._card(desk, registration_id)
        members = members_of(desk.db_session, registration_id)
        add, remove = id_asked(desk.given, "add"), id_asked(desk.given, "remove")
        if desk.sent and (add or remove):
            ids = [one.id for one in members if one.id != remove]
            desk.service(RegistrationService).update(
                registration_id=registration_id, changes={"members": [*ids, add] if add else ids}, actor=desk.actor
            )
            return Done(
                message="One more may use it." if add else "They may use it no longer; what they have reserved stays.",
                to=url_for(".members", registration_id=registration_id),
            )
        studio, q = desk.db_session.get_one(Studio, card.row.studio_id), desk.given.get("q", "").strip()[:200]
        found: Sequence[Any] = ()
        if q:
            taken = {card.row.customer_id, *(one.id for one in members)}
            region = desk.state.settings.default_region
            rows = customers_of_studio(
                desk.db_session, actor=desk.actor, studio=studio, q=q, now=desk.now, limit=20, region=region
            )
            found = [one for one in rows if one.id not in taken]
        return self._shown("pass_members.html", desk, card, members=members, q=q, found=found)

    @form("/<uuid:registration_id>/freeze", least=Role.MANAGER)
    def freeze(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Freeze a pass; its coming reservations are listed first."""
        card, asked = self._card(desk, registration_id), ReasonForm(desk.given)
        service = desk.service(RegistrationService)
        if desk.sent and asked.validate():
            change = service.freeze(registration_id=registration_id, actor=desk.actor, reason=asked.reason.data or None)
            return self._done(card, f"The pass is frozen.{_cancelled(change)}")
        change = service.freeze(registration_id=registration_id, actor=desk.actor, preview=True)
        return self._previewed("freeze", desk, card, asked, change)

    @form("/<uuid:registration_id>/unfreeze", least=Role.MANAGER)
    def unfreeze(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Let a frozen pass be used again, as many days longer as it was frozen."""
        card, asked = self._card(desk, registration_id), ReasonForm(desk.given)
        row = card.row
        if desk.sent and asked.validate():
            pass_ = desk.service(RegistrationService).unfreeze(
                registration_id=registration_id, actor=desk.actor, reason=asked.reason.data or None
            )
            end = f" until {_on(desk, row, pass_.valid_until)}" if pass_.valid_until else ""
            return self._done(card, f"The pass can be used again{end}.")
        if row.status == RegistrationStatus.CANCELLED:
            raise InvalidTransition(state=row.status, action="unfreeze")
        today = local_date(desk.now, timezone=row.timezone)
        days = max(0, (today - (row.frozen_on or today)).days)
        until = min(row.valid_until + timedelta(days=days), LAST_DAY) if row.valid_until else None
        return self._shown(
            "pass_change.html", desk, card, act="unfreeze", asked=asked, cancelled=(), days=days, until=until
        )

    @form("/<uuid:registration_id>/transfer", least=Role.MANAGER)
    def transfer(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Make a pass one for another class; what it covers no more is listed first."""
        card, asked = self._card(desk, registration_id), TransferForm(desk.given)
        row, service = card.row, desk.service(RegistrationService)
        if row.status == RegistrationStatus.CANCELLED:
            raise InvalidTransition(state=row.status, action="transfer")
        classes = classes_for(desk.db_session, studio_id=row.studio_id, pass_type=row.pass_type)
        asked.class_id.choices = choices({"": "All classes"} | {str(one.id): one.title for one in classes})
        wanted, chosen = id_asked(desk.given, "class_id"), "class_id" in desk.given
        if not chosen:
            asked.class_id.data = str(row.class_id or "")
        if desk.sent and chosen and asked.validate():
            change = service.transfer(
                registration_id=registration_id, class_id=wanted, actor=desk.actor, reason=asked.reason.data or None
            )
            title = next((one.title for one in classes if one.id == wanted), "all classes")
            return self._done(card, f"The pass is for {title} now.{_cancelled(change)}")
        preview: PassChange | None = None
        if chosen and desk.refusal is None and wanted != row.class_id:
            preview = service.transfer(registration_id=registration_id, class_id=wanted, actor=desk.actor, preview=True)
        return self._previewed("transfer", desk, card, asked, preview)

    @form("/<uuid:registration_id>/cancel", least=Role.MANAGER)
    def cancel(self, desk: Desk, registration_id: UUID) -> str | Done:
        """Cancel a pass for good; what goes with it is listed first."""
        card, asked = self._card(desk, registration_id), NeededReasonForm(desk.given)
        service = desk.service(RegistrationService)
        if desk.sent and asked.validate():
            change = service.cancel(registration_id=registration_id, actor=desk.actor, reason=asked.reason.data)
            return self._done(card, f"The pass is cancelled.{_cancelled(change)}")
        change = service.cancel(registration_id=registration_id, actor=desk.actor, preview=True)
        return self._previewed("cancel", desk, card, asked, change)

    def _card(self, desk: Desk, registration_id: UUID) -> PassCard:
        desk.own(ClassRegistration, registration_id)
        row = pass_row(desk.db_session, registration_id)
        (card,) = cards_of(
            desk.db_session, [row], timezone=row.timezone, now=desk.now, pass_types=desk.state.pass_types
        )
        return card

    def _previewed(self, act: str, desk: Desk, card: PassCard, asked: Any, change: PassChange | None) -> str:
        gone: tuple[SessionReservation, ...] = change.cancelled if change is not None else ()
        return self._shown(
            "pass_change.html",
            desk,
            card,
            act=act,
            asked=asked,
            previewed=change is not None,
            cancelled=_in_order(desk, [one.id for one in gone]),
        )

    def _shown(self, template: str, desk: Desk, card: PassCard, **values: Any) -> str:
        row = card.row
        return self.show(
            template,
            desk=desk,
            row=row,
            ticket=ticket(card, now=desk.now),
            held=card.held.punches_held,
            back=url_for(".registration", registration_id=row.id),
            on=lambda day: _on(desk, row, day),
            when=lambda instant: say_when(instant, now=desk.now, timezone=row.timezone),
            **values,
        )

    def _done(self, card: PassCard, message: str) -> Done:
        return Done(message=message, to=url_for(".registration", registration_id=card.row.id))


def _on(desk: Desk, row: Any, day: Any) -> str:
    return say_day(day, now=desk.now, timezone=row.timezone)


def _in_order(desk: Desk, ids: list[UUID]) -> list[Any]:
    return sorted(reservation_views(desk.db_session, ids).values(), key=lambda one: (one.starts_at, one.id))


def _cancelled(change: PassChange) -> str:
    number = len(change.cancelled)
    return f" {counted(number, 'reservation')} cancelled free; the customer is told." if number else ""
