"""No-shows: what waits for a decision, what followed, and every act upon a missed class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import request, url_for

from studio_reservations.admin.forms import NeededReasonForm, ReasonForm
from studio_reservations.admin.screens import Desk, Done, StaffScreen, cursor_of, form, page
from studio_reservations.errors import InvalidTransition, NotFound
from studio_reservations.models import Customer, Role, SessionReservation, Studio
from studio_reservations.policies.local_time import local_date, zone
from studio_reservations.sentences import sentence_of
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.customers import require_known
from studio_reservations.services.decisions import Missed, acted_on, count_to_decide, regulars, to_act_on, to_decide
from studio_reservations.services.listings import reservation_views
from studio_reservations.services.no_shows import NoShowService, Waived
from studio_reservations.services.overrides import Override
from studio_reservations.services.restoring import Outcome, RestoringService

SHOWS = ("decide", "past", "customers")
ENDPOINT = "studio_no_shows"


class NoShowScreen(StaffScreen):
    """Who stayed away. The desk sees it; managers decide."""

    @page(least=Role.FRONT_DESK)
    def index(self, desk: Desk) -> str:
        """Show what waits for a decision, what followed, or who misses most."""
        studio = desk.studio()
        asked = desk.given.get("show", SHOWS[0])
        show = asked if asked in SHOWS else SHOWS[0]
        terms: dict[str, Any] = {"actor": desk.actor, "studio": studio, "now": desk.now}
        shown: dict[str, Any] = {"waiting": count_to_decide(desk.db_session, **terms)}
        if show == "decide":
            shown["decisions"] = to_decide(desk.db_session, **terms)
            shown["days"] = _by_day(shown["decisions"].missed, studio)
        elif show == "past":
            shown["decisions"] = acted_on(desk.db_session, before=desk.cursor("before"), **terms)
            shown["earlier"] = _earlier(shown["decisions"])
        else:
            shown["customers"] = regulars(desk.db_session, **terms)
        return self.show(
            "no_shows.html",
            studio=studio,
            studios=desk.studios,
            show=show,
            may_decide=desk.actor.has_role(studio.id, Role.MANAGER),
            **shown,
        )

    @page("/customers/<uuid:customer_id>/", least=Role.FRONT_DESK)
    def of_customer(self, desk: Desk, customer_id: UUID) -> str:
        """Show every class that a customer missed at one of my studios."""
        customer, studio = _known(desk, customer_id)
        decisions = acted_on(
            desk.db_session,
            actor=desk.actor,
            studio=studio,
            now=desk.now,
            customer_id=customer.id,
            before=desk.cursor("before"),
        )
        return self.show(
            "no_shows_of_customer.html",
            studio=studio,
            customer=customer,
            decisions=decisions,
            earlier=_earlier(decisions),
            may_decide=desk.actor.has_role(studio.id, Role.MANAGER),
        )

    @form("/<uuid:reservation_id>/waive", least=Role.MANAGER)
    def waive(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Forgive a missed class."""
        row, reason = self._asked(desk, reservation_id, ReasonForm)
        if desk.sent and reason.validate():
            waived = desk.service(NoShowService).waive(
                reservation_id=reservation_id, actor=desk.actor, reason=reason.reason.data or None
            )
            return self._decided(row, f"{row.customer_name}’s missed class is waived.{_given_back(desk, waived, row)}")
        return self._confirm("waive", desk, row, reason)

    @form("/<uuid:reservation_id>/unwaive", least=Role.MANAGER)
    def unwaive(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Take a waive back while grace lasts."""
        row, reason = self._asked(desk, reservation_id, ReasonForm)
        if desk.sent and reason.validate():
            desk.service(NoShowService).unwaive(
                reservation_id=reservation_id, actor=desk.actor, reason=reason.reason.data or None
            )
            return self._decided(row, f"{row.customer_name}’s missed class counts again.")
        return self._confirm("unwaive", desk, row, reason)

    @form("/<uuid:reservation_id>/decline", least=Role.MANAGER)
    def decline(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Answer an explanation with no."""
        row, reason = self._asked(desk, reservation_id, ReasonForm)
        if desk.sent and reason.validate():
            desk.service(NoShowService).decline(
                reservation_id=reservation_id, actor=desk.actor, reason=reason.reason.data or None
            )
            return self._decided(row, f"{row.customer_name}’s explanation is answered: it stays a missed class.")
        return self._confirm("decline", desk, row, reason)

    @form("/<uuid:reservation_id>/here", least=Role.FRONT_DESK)
    def here(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Check in somebody who was there after all."""
        row = self._row(desk, reservation_id)
        same_day = local_date(row.ends_at, timezone=row.timezone) >= local_date(desk.now, timezone=row.timezone)
        reason = (ReasonForm if same_day else NeededReasonForm)(desk.given)
        if desk.sent and reason.validate():
            service = desk.service(CheckInService)
            why = reason.reason.data
            service.check_in(
                reservation_id=reservation_id,
                actor=desk.actor,
                override=None if same_day else Override(rules=frozenset({"not_class_day"}), reason=why),
            )
            back = _given_back(desk, service.gave_back, row) if service.gave_back else ""
            return self._decided(row, f"{row.customer_name} was there: checked in, and nothing counts as missed.{back}")
        return self._confirm("here", desk, row, reason)

    @form("/<uuid:reservation_id>/restore", least=Role.MANAGER)
    def restore(self, desk: Desk, reservation_id: UUID) -> str | Done:
        """Bring back a reservation that the policy cancelled; two rules may be set aside with a reason."""
        row = self._row(desk, reservation_id)
        needed = desk.refusal.code if desk.refusal is not None else desk.given.get("override")
        override = needed if needed in ("customer_suspended", "advance_limit_reached") else None
        reason = (NeededReasonForm if override and desk.given.get("override") else ReasonForm)(desk.given)
        if desk.sent and reason.validate():
            asked = desk.given.get("override")
            desk.service(RestoringService).restore(
                reservation_id=reservation_id,
                actor=desk.actor,
                override=Override(rules=frozenset({asked}), reason=reason.reason.data) if asked else None,
                reason=reason.reason.data or None,
            )
            return self._decided(row, f"{row.customer_name} has the seat back: {_when(row)}.", show="past")
        return self._confirm("restore", desk, row, reason, override=override)

    def _row(self, desk: Desk, reservation_id: UUID) -> Any:
        desk.own(SessionReservation, reservation_id)
        return to_act_on(desk.db_session, reservation_id)

    def _asked(self, desk: Desk, reservation_id: UUID, kind: type[Any]) -> tuple[Any, Any]:
        return self._row(desk, reservation_id), kind(desk.given)

    def _confirm(self, act: str, desk: Desk, row: Any, reason: Any, **values: Any) -> str:
        if act != "restore" and row.missed_at is None:
            raise InvalidTransition(state=row.status, action=act)
        return self.show("no_show_act.html", act=act, desk=desk, row=row, reason=reason, when=_when(row), **values)

    def _decided(self, row: Any, message: str, *, show: str = "decide") -> Done:
        return Done(message=message, to=url_for(f"{ENDPOINT}.index", studio=row.studio_slug, show=show))


def _known(desk: Desk, customer_id: UUID) -> tuple[Customer, Studio]:
    """Return a customer and the first of my studios that knows them. :raises NotFound:"""
    studios: Sequence[Studio] = [desk.studio()] if "studio" in request.args else desk.studios
    for studio in studios:
        try:
            return require_known(desk.db_session, customer_id=customer_id, studio_id=studio.id), studio
        except NotFound:
            continue
    raise NotFound()


def _by_day(missed: Sequence[Missed], studio: Studio) -> list[tuple[Any, list[Missed]]]:
    def day(one: Missed) -> Any:
        return local_date(one.row.starts_at, timezone=studio.timezone)

    return [(of, list(those)) for of, those in groupby(sorted(missed, key=day), key=day)]


def _earlier(decisions: Any) -> str | None:
    if not decisions.more:
        return None
    last = decisions.missed[-1].row
    return cursor_of(last.missed_at, last.id)


def _when(row: Any) -> str:
    local = row.starts_at.astimezone(zone(row.timezone))
    return f"{row.class_title}, {local:%a} {local.day} {local:%b}, {local:%H:%M}"


def _given_back(desk: Desk, waived: Waived, row: Any) -> str:
    """Return what came back, and what could not, as sentences that follow another."""
    told = []
    if waived.punches_refunded:
        told.append(f"{waived.punches_refunded} punch{'' if waived.punches_refunded == 1 else 'es'} came back.")
    if waived.voided:
        told.append("The suspension it had led to is void.")
    futures: Sequence[Outcome] = waived.futures
    views = reservation_views(desk.db_session, [one.reservation_id for one in futures])
    for future in futures:
        what = _when(views[future.reservation_id])
        if future.refusal is None:
            told.append(f"Restored: {what}.")
        else:
            told.append(f"Not restored, {what}: {sentence_of(future.refusal, timezone=row.timezone)}")
    return "".join(f" {one}" for one in told)
