"""The page of a tablet at the door: it scans, or finds a first name, checks in, says so, and is back by itself.

It knows no login: a cookie of its own, set once by a pairing code, names the tablet, and the tablet can check in at one
studio and nothing else. Works without a script, better with one. Whoever stands before it may read it in another language:
that one is in the addresses of their visit, and what leads back to the start leaves it out. Source: rules.md §7.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from studio_reservations.csp import nonce
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import CodeInvalid, CsrfFailed, NotFound, StudioError
from studio_reservations.language import SHIPPED, Language, shipped_languages
from studio_reservations.models import ClassRegistration, Customer, KioskDevice, SessionReservation, Studio
from studio_reservations.page_language import language_of
from studio_reservations.policies.local_time import zone
from studio_reservations.policies.pass_words import amount, held_pass_of
from studio_reservations.sentences import sentence_of
from studio_reservations.services.actors import Actor
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.codes import CodeSigner
from studio_reservations.services.kiosks import (
    KioskService,
    may_check_in_here,
    people_at_the_door,
    sessions_at_the_door,
    shows_door_code,
)
from studio_reservations.services.listings import reservation_view
from studio_reservations.state import State, current_state

BLUEPRINT = "studio_kiosk"
COOKIE = "studio_kiosk"
YEARS = 5 * 365 * 24 * 3600
LONGEST_NAME = 40
"""What is written into the one field is a name up to here, and the text of a scanned code beyond."""
ROOT = Path(__file__).parent
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}


def register(app: Flask, state: State) -> None:
    """Register the kiosk in ``app``, below the customer's pages."""
    blueprint = Blueprint(
        BLUEPRINT,
        __name__,
        url_prefix=f"{state.settings.pages_prefix}/kiosk",
        template_folder=str(ROOT / "templates"),
    )
    blueprint.add_url_rule("/", "show", show, methods=["GET"])
    blueprint.add_url_rule("/pair", "pair", pair, methods=["POST"])
    blueprint.add_url_rule("/names", "names", names, methods=["GET"])
    blueprint.add_url_rule("/door", "door", door, methods=["GET"])
    blueprint.add_url_rule("/check-in", "check_in", check_in, methods=["POST"])
    app.register_blueprint(blueprint)


def show() -> ResponseReturnValue:
    """Show the door, or ask for the pairing code."""

    def work(db_session: Session, device: KioskDevice) -> Response:
        return _page("door.html", db_session, device, **_names(db_session, device), **_door(db_session, device))

    return _as_kiosk(work, otherwise=lambda: _page("pair.html"))


def names() -> ResponseReturnValue:
    """Return the names that begin as is written, as a piece of the page."""

    def work(db_session: Session, device: KioskDevice) -> Response:
        return _page("names.html", db_session, device, **_names(db_session, device))

    return _as_kiosk(work)


def door() -> ResponseReturnValue:
    """Return what changes by itself: the time, the digits, and what is on."""

    def work(db_session: Session, device: KioskDevice) -> Response:
        return _page("changing.html", db_session, device, **_door(db_session, device))

    return _as_kiosk(work)


def pair() -> ResponseReturnValue:
    """Pair this browser by a code; where somebody is logged in, refuse: whoever touches the tablet would be them."""
    state, language = current_state(), _language()
    try:
        _check_origin()
        if state.identity.current_user() is not None:
            return _page(
                "pair.html",
                status=409,
                sentence=language.say(
                    "Somebody is logged in here. Log out of the portal first: whoever touches this tablet would be them."
                ),
            )
        paired = run_in_transaction(
            lambda db_session: (
                KioskService(db_session, clock=state.clock).pair(code=request.form.get("code", "")).secret
            )
        )
    except StudioError as refusal:
        said = (
            language.say("That code is not known, or its 15 minutes are over. Ask a manager for a new one.")
            if isinstance(refusal, CodeInvalid)
            else sentence_of(refusal, language=language)
        )
        return _page("pair.html", status=refusal.status, sentence=said)
    answer = redirect(url_for(f"{BLUEPRINT}.show"), 303)
    answer.set_cookie(
        COOKIE,
        paired,
        max_age=YEARS,
        path=url_for(f"{BLUEPRINT}.show"),
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return answer


def check_in() -> ResponseReturnValue:
    """Check in whoever was tapped or scanned, and say so."""
    given = request.form.get("code", "").strip()
    if given and len(given) <= LONGEST_NAME:
        return redirect(_link("show", q=given), 303)

    def work(db_session: Session) -> Response:
        device, actor = _device(db_session)
        state = current_state()
        service = CheckInService(db_session, clock=state.clock, pass_types=state.pass_types, codes=_codes())
        if given:
            reservation = service.check_in_by_code(code=given, actor=actor)
        else:
            reservation = service.check_in(reservation_id=_tapped(db_session, device), actor=actor)
        return _done(db_session, device, reservation)

    try:
        _check_origin()
        return run_in_transaction(work)
    except StudioError as error:
        refusal = error

    def refused(db_session: Session, device: KioskDevice) -> Response:
        timezone = db_session.get_one(Studio, device.studio_id).timezone
        said = sentence_of(refusal, timezone=timezone, language=_language())
        return _page("refused.html", db_session, device, status=refusal.status, sentence=said)

    return _as_kiosk(refused, otherwise=lambda: redirect(url_for(f"{BLUEPRINT}.show"), 303))


def _as_kiosk(
    work: Callable[[Session, KioskDevice], Any], *, otherwise: Callable[[], Any] | None = None
) -> ResponseReturnValue:
    """Return what a paired tablet is shown; any other browser gets ``otherwise``, or nothing."""
    with reading() as db_session:
        found = KioskService(db_session, clock=current_state().clock).device_of(request.cookies.get(COOKIE))
        if found is not None:
            shown: ResponseReturnValue = work(db_session, found[0])
            return shown
    return otherwise() if otherwise is not None else _page("pair.html", status=404)


def _device(db_session: Session) -> tuple[KioskDevice, Actor]:
    service = KioskService(db_session, clock=current_state().clock)
    found = service.device_of(request.cookies.get(COOKIE))
    if found is None:
        raise NotFound()
    service.seen(found[0])
    return found


def _tapped(db_session: Session, device: KioskDevice) -> UUID:
    """Return the reservation that was tapped. :raises NotFound: for one of another studio."""
    try:
        reservation_id = UUID(request.form.get("reservation_id", ""))
    except ValueError:
        raise NotFound() from None
    if not may_check_in_here(db_session, studio_id=device.studio_id, reservation_id=reservation_id):
        raise NotFound()
    return reservation_id


def _check_origin() -> None:
    """Let pass what this tablet's own page sends; its cookie goes nowhere else either. :raises CsrfFailed:"""
    origin = urlsplit(request.headers.get("Origin") or request.referrer or "").netloc
    if origin != request.host:
        raise CsrfFailed()


def _names(db_session: Session, device: KioskDevice) -> dict[str, Any]:
    query = request.args.get("q", "")[:LONGEST_NAME]
    found = people_at_the_door(db_session, studio_id=device.studio_id, query=query, now=current_state().clock())
    return {"query": query, "people": found}


def _door(db_session: Session, device: KioskDevice) -> dict[str, Any]:
    studio = db_session.get_one(Studio, device.studio_id)
    now = current_state().clock()
    codes = _codes()
    digits = None
    if codes is not None and shows_door_code(db_session, studio_id=studio.id):
        digits = codes.door_code(studio_id=studio.id, now=now)
    return {"digits": digits, "sessions": sessions_at_the_door(db_session, studio=studio, now=now)}


def _done(db_session: Session, device: KioskDevice, reservation: SessionReservation) -> Response:
    db_session.flush()
    name = reservation.guest_name or db_session.get_one(Customer, reservation.customer_id).name
    row = reservation_view(db_session, reservation.id)
    registration = db_session.get_one(ClassRegistration, reservation.registration_id)
    held = held_pass_of(registration, now=current_state().clock(), timezone=row.timezone)
    left, language = registration.sessions_remaining, _language()
    return _page(
        "done.html",
        db_session,
        device,
        first_name=name.split()[0],
        row=row,
        used=amount(reservation.punches_used, held=held, pass_types=current_state().pass_types, language=language),
        left=None if left is None else language.number(left),
    )


def _language() -> Language:
    """Return the language of the screen: the one chosen for this visit, else the tablet's own."""
    return language_of(None, chosen=_chosen())


def _chosen() -> str | None:
    tag = request.args.get("lang")
    return tag if tag in SHIPPED else None


def _link(endpoint: str, **values: Any) -> str:
    """Return an address of the same visit."""
    return url_for(f"{BLUEPRINT}.{endpoint}", lang=_chosen(), **values)


def _codes() -> CodeSigner | None:
    secret = current_app.secret_key
    return CodeSigner(secret) if secret else None


def _page(
    template: str,
    db_session: Session | None = None,
    device: KioskDevice | None = None,
    status: int = 200,
    **values: Any,
) -> Response:
    studio = db_session.get_one(Studio, device.studio_id) if db_session is not None and device is not None else None
    now, language = current_state().clock(), _language()

    def clock_time(instant: Any) -> str:
        return language.time(instant.astimezone(zone(studio.timezone) if studio is not None else None))

    page = render_template(
        f"studio_reservations/kiosk/{template}",
        studio=studio,
        now=now,
        clock_time=clock_time,
        language=language,
        say=language.say,
        chosen=_chosen(),
        others=[one for one in shipped_languages() if one[0] != language.locale.language],
        link=_link,
        start=url_for(f"{BLUEPRINT}.show"),
        asset=lambda name: url_for("studio_api.static", filename=name),
        nonce=nonce,
        **values,
    )
    response = make_response(page, status)
    response.headers.update(HEADERS)
    return response
