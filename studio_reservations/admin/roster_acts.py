"""What the buttons of the roster do, each by one service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from uuid import UUID

from flask import make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from studio_reservations.admin.screens import Desk, Done, StaffScreen, act
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import Forbidden, NotFound, StudioError, TryAgain
from studio_reservations.models import Customer, Role, SessionReservation
from studio_reservations.sentences import sentence_of
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.bulk_check_in import act_on_each
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.directory import session_view, timezone_of
from studio_reservations.services.overrides import CHECKING_IN
from studio_reservations.services.restoring import RestoringService

REFUSED = "studio_refused"
"""The key of the portal's session under which a roster without a script finds what was refused, and at whom."""
MOST_TOLD = 8  # a cookie has room for so many sentences


class RosterActs(StaffScreen):
    """The acts upon one reservation or upon all that are picked."""

    @act("/reservations/<uuid:reservation_id>/check-in", least=Role.INSTRUCTOR)
    def check_in(self, desk: Desk, reservation_id: UUID) -> ResponseReturnValue | Done:
        """Check in; a no-show was here after all."""
        service = desk.service(CheckInService)

        def told(name: str) -> str:
            futures = [one for one in (service.gave_back.futures if service.gave_back else ()) if one.refusal is None]
            back = f" {len(futures)} later reservation{'s are' if len(futures) > 1 else ' is'} back." if futures else ""
            return f"{name} is checked in.{back}"

        return self._at_tile(desk, reservation_id, service.check_in, told)

    @act("/reservations/<uuid:reservation_id>/undo-check-in", least=Role.FRONT_DESK)
    def undo_check_in(self, desk: Desk, reservation_id: UUID) -> ResponseReturnValue | Done:
        """Take a check-in back."""
        do = desk.service(CheckInService).undo_check_in
        return self._at_tile(
            desk,
            reservation_id,
            do,
            lambda name: f"The check-in of {name} is undone, and the punch is back if one was used.",
        )

    @act("/reservations/<uuid:reservation_id>/attended", least=Role.FRONT_DESK)
    def attended(self, desk: Desk, reservation_id: UUID) -> ResponseReturnValue | Done:
        """Say that they were there."""
        do = desk.service(AttendanceService).mark_attended
        return self._at_tile(desk, reservation_id, do, lambda name: f"{name} attended.")

    @act("/reservations/<uuid:reservation_id>/undo-attended", least=Role.FRONT_DESK)
    def undo_attended(self, desk: Desk, reservation_id: UUID) -> ResponseReturnValue | Done:
        """Take attendance back; the check-in stays."""
        do = desk.service(AttendanceService).undo_attended
        return self._at_tile(
            desk, reservation_id, do, lambda name: f"The attendance of {name} is undone; the check-in stays."
        )

    @act("/reservations/<uuid:reservation_id>/no-show", least=Role.FRONT_DESK)
    def no_show(self, desk: Desk, reservation_id: UUID) -> ResponseReturnValue | Done:
        """Say that they are absent, and release the seat if the form says so."""
        release = request.form.get("release_seat") == "yes"
        do = partial(desk.service(AttendanceService).mark_no_show, release_seat=release)
        seat = " The seat is free." if release else ""
        return self._at_tile(desk, reservation_id, do, lambda name: f"{name} is a no-show.{seat}")

    @act("/reservations/<uuid:reservation_id>/restore", least=Role.MANAGER)
    def restore(self, desk: Desk, reservation_id: UUID) -> ResponseReturnValue | Done:
        """Give back what the night cancelled."""
        do = desk.service(RestoringService).restore
        return self._at_tile(desk, reservation_id, do, lambda name: f"{name} has the seat back.")

    @act("/<uuid:session_id>/picked/check-in", least=Role.INSTRUCTOR, own_transactions=True)
    def check_in_picked(self, desk: Desk, session_id: UUID) -> ResponseReturnValue | Done:
        """Check in all who are picked, each on their own."""
        return self._picked(desk, session_id, lambda each: each.service(CheckInService).check_in, "checked in")

    @act("/<uuid:session_id>/picked/no-show", least=Role.FRONT_DESK, own_transactions=True)
    def no_show_picked(self, desk: Desk, session_id: UUID) -> ResponseReturnValue | Done:
        """Say that all who are picked are absent, each on their own."""
        return self._picked(
            desk, session_id, lambda each: each.service(AttendanceService).mark_no_show, "marked as no-show"
        )

    def _at_tile(
        self,
        desk: Desk,
        reservation_id: UUID,
        do: Callable[..., SessionReservation],
        told: Callable[[str], str],
    ) -> ResponseReturnValue | Done:
        """Do it and say so, or say at the tile why not."""
        found = desk.own(SessionReservation, reservation_id)
        try:
            do(reservation_id=reservation_id, actor=desk.actor)
        except (NotFound, Forbidden, TryAgain):
            raise
        except StudioError as refusal:
            timezone = timezone_of(desk.db_session, kind="session", row_id=found.session_id)
            sentence = sentence_of(refusal, timezone=timezone)
            can = _may_set_aside(desk, refusal, found)
            if self.by_script:
                anyway = url_for(".anyway", reservation_id=reservation_id) if can else None
                return make_response({"code": refusal.code, "message": sentence, "anyway": anyway}, refusal.status)
            _keep(found.session_id, {reservation_id: (sentence, can)})
            return redirect(to_roster(found.session_id, reservation_id), 303)
        return Done(message=told(_name(desk.db_session, found)), to=to_roster(found.session_id, reservation_id))

    def _picked(
        self, desk: Desk, session_id: UUID, do: Callable[[Desk], Callable[..., object]], verb: str
    ) -> ResponseReturnValue | Done:
        """Do it to each in a transaction of its own, in which ``do`` finds the act."""

        def one(db_session: Session, *, reservation_id: UUID) -> None:
            do(replace(desk, session=db_session))(reservation_id=reservation_id, actor=desk.actor)

        outcome = act_on_each(
            session_id=session_id,
            reservation_ids=_ids(request.form.getlist("picked")),
            actor=desk.actor,
            transactions=run_in_transaction,
            act=one,
        )
        refused = {key: error for key, error in outcome.items() if error is not None}
        with reading() as db_session:
            found = session_view(db_session, session_id)
            sentences = {key: sentence_of(error, timezone=found.timezone) for key, error in refused.items()}
            can = {
                key: _may_set_aside(desk, error, db_session.get_one(SessionReservation, key))
                for key, error in refused.items()
            }
        done = len(outcome) - len(refused)
        message = f"{done} {'person' if done == 1 else 'people'} {verb}." if outcome else "Nobody is selected."
        if refused:
            message += f" {len(refused)} could not be; why is said at each."
        if self.by_script:
            return make_response(
                {
                    "message": message,
                    "refused": {
                        str(key): {
                            "message": sentence,
                            "anyway": url_for(".anyway", reservation_id=key) if can[key] else None,
                        }
                        for key, sentence in sentences.items()
                    },
                }
            )
        _keep(session_id, {key: (sentences[key], can[key]) for key in refused})
        return Done(message=message, to=to_roster(session_id))


def _may_set_aside(desk: Desk, refusal: StudioError, reservation: SessionReservation) -> bool:
    """Tell whether whoever asks may check in all the same: not themselves, and nobody for whom they act."""
    if refusal.code not in CHECKING_IN or desk.actor.acts_for(reservation.customer_id):
        return False
    return desk.actor.has_role(reservation.studio_id, CHECKING_IN[refusal.code])


def _ids(texts: Iterable[str]) -> list[UUID]:
    """Return the ids among these texts; what is none is nobody."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _keep(session_id: UUID, refusals: Mapping[UUID, tuple[str, bool]]) -> None:
    """Remember until the next page what was refused."""
    if refusals:
        items = {str(key): list(value) for key, value in list(refusals.items())[:MOST_TOLD]}
        session[REFUSED] = {"session": str(session_id), "at": items}


def _name(db_session: Session, reservation: SessionReservation) -> str:
    return reservation.guest_name or db_session.get_one(Customer, reservation.customer_id).name


def to_roster(session_id: UUID, reservation_id: UUID | None = None) -> str:
    """Return the address of a roster, at one of its tiles."""
    anchor = None if reservation_id is None else f"r-{reservation_id}"
    return url_for(".roster", session_id=session_id, _anchor=anchor)
