"""Scanning a reservation's QR at the desk: by the camera, by a scanner that types, or by hand."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from studio_reservations.admin.roster_words import left_words
from studio_reservations.admin.screens import Desk, StaffScreen, act, page
from studio_reservations.errors import CodeInvalid, Forbidden, NotFound, StudioError, TryAgain
from studio_reservations.models import Role
from studio_reservations.policies.local_time import zone
from studio_reservations.sentences import sentence_of
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.codes import CodeSigner
from studio_reservations.services.roster_tiles import Tile
from studio_reservations.services.roster_views import person_on_roster

LONGEST_CODE = 500


class Scanning(StaffScreen):
    """The page that reads codes, for whichever session of today they are."""

    @page("/scan", least=Role.INSTRUCTOR)
    def scan(self, desk: Desk) -> str:
        """Show the camera and the field."""
        came_from = re.fullmatch(r"[0-9a-f-]{36}", request.args.get("session", ""))
        return self.show("scan.html", desk_studio=desk.studio(), back_to=came_from and came_from[0])

    @act("/scan/code", least=Role.INSTRUCTOR)
    def scan_code(self, desk: Desk) -> ResponseReturnValue:
        """Check in whoever the code belongs to, and say who, or exactly why not."""
        secret = current_app.secret_key
        if not secret:
            raise CodeInvalid()
        code = request.form.get("code", "").strip()[:LONGEST_CODE]
        codes = CodeSigner(secret)
        try:
            before = self._tile(desk, codes, code)
            service = CheckInService(desk.db_session, clock=desk.clock, pass_types=desk.state.pass_types, codes=codes)
            service.check_in_by_code(code=code, actor=desk.actor)
        except TryAgain:
            raise
        except Forbidden:
            return self._said("This code is for a session that somebody else teaches. Ask the front desk.", ok=False)
        except NotFound:
            return self._said("This code is for another studio. Send them there, or find the name here.", ok=False)
        except StudioError as refusal:
            return self._said(self._why_not(desk, codes, code, refusal), ok=False)
        desk.db_session.flush()
        return self._said(self._who(self._tile(desk, codes, code), already=before[1].here), ok=True)

    def _tile(self, desk: Desk, codes: CodeSigner, code: str) -> tuple[Any, Tile]:
        return person_on_roster(
            desk.db_session,
            actor=desk.actor,
            reservation_id=codes.read(code),
            now=desk.now,
            pass_types=desk.state.pass_types,
        )

    def _who(self, found: tuple[Any, Tile], *, already: bool) -> str:
        session, tile = found
        punches = f" {left_words(tile)}." if tile.left is not None and not already else ""
        verb = "was checked in already" if already else "is checked in"
        return f"{tile.name} {verb}: {_session_words(session)}.{punches}"

    def _why_not(self, desk: Desk, codes: CodeSigner, code: str, refusal: StudioError) -> str:
        try:
            session, tile = self._tile(desk, codes, code)
        except StudioError:
            return sentence_of(refusal)
        return f"{tile.name}, {_session_words(session)}: {sentence_of(refusal, timezone=session.timezone)}"

    def _said(self, message: str, *, ok: bool) -> ResponseReturnValue:
        if self.by_script:
            return make_response({"ok": ok, "message": message})
        flash(message, "success" if ok else "error")
        return redirect(url_for(".scan"), 303)


def _session_words(session: Any) -> str:
    start = session.starts_at.astimezone(zone(session.timezone))
    return f"{session.class_title}, {start:%a} {start.day} {start:%b}, {start:%H:%M}"
