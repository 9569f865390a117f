"""Which messages a customer gets: the page behind the link in each of them, and one-click unsubscribing.

Whoever has the link may use it, so it needs no login and no CSRF token. Source: rules.md §9; RFC 8058.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from uuid import UUID

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from studio_reservations.csp import nonce
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import NotFound
from studio_reservations.language import N_, Language
from studio_reservations.models import Customer
from studio_reservations.notifications.preferences import PreferenceLinks
from studio_reservations.page_language import language_of
from studio_reservations.services.accounts import PREFERENCES, update_me
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.state import current_state, secret_keys

SWITCHES: Mapping[str, tuple[str, str]] = {
    "reminder": (N_("The reminder the day before"), N_("By e-mail, 24 hours before a session starts.")),
    "check_in": (N_("The confirmation of a check-in"), N_("By e-mail, when you have been checked in.")),
    "pass_expiring": (N_("That a pass ends soon"), N_("By e-mail, a week before its last day.")),
    "sms": (N_("Text messages"), N_("Two hours and half an hour before a session, where the studio sends them.")),
}
ALWAYS = (
    N_("You have a seat, or gave it up."),
    N_("The studio cancelled or moved a session."),
    N_("You missed a class, and what follows from it."),
    N_("New reservations are paused, or open again."),
)
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def show(token: str) -> ResponseReturnValue:
    """Show the switches."""
    found = _links().read(token)
    with reading() as db_session:
        customer = _customer(db_session, found)
        if found is None or customer is None:
            return _unknown()
        preferences, language = dict(customer.preferences), language_of(customer)
    named = found[1] if found[1] in SWITCHES and preferences.get(str(found[1])) is not False else None
    return _page(
        language,
        switches=[(name, *words, preferences.get(name) is not False) for name, words in SWITCHES.items()],
        always=ALWAYS,
        named=named and SWITCHES[named],
        off=named,
        saved="saved" in request.args,
    )


def change(token: str) -> ResponseReturnValue:
    """Save the switches, or switch one off: by the button above them, or by the mail program's own (RFC 8058)."""
    found = _links().read(token)
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    if found is None:
        return _unknown()
    off = found[1] if one_click else request.form.get("off")
    changes: dict[str, bool] = {}
    if off is None and not one_click and "switches" in request.form:  # one without it is not from our page
        changes = chosen(request.form)
    elif off is not None and off in PREFERENCES:
        changes = {off: False}

    def work(db_session: Session) -> bool:
        if _customer(db_session, found) is None:
            return False
        actor = Actor(kind=ActorKind.USER, id="link in a message", customer_ids=frozenset({found[0]}))
        try:
            update_me(
                db_session,
                customer_id=found[0],
                changes={"preferences": changes},
                actor=actor,
                now=current_state().clock(),
            )
        except NotFound:
            return False
        return True

    if not run_in_transaction(work):
        return _unknown()
    if one_click:
        return Response("Switched off.\n", mimetype="text/plain", headers=HEADERS)
    return redirect(url_for("studio_pages.messages", token=token, saved=1), 303)


def chosen(form: Container[str]) -> dict[str, bool]:
    """Return which messages a form with all the switches wants."""
    return {name: name in form for name in SWITCHES}


def _links() -> PreferenceLinks:
    return PreferenceLinks(secret_keys(current_app), base=None)


def _customer(db_session: Session, found: tuple[UUID, str | None] | None) -> Customer | None:
    customer = db_session.get(Customer, found[0]) if found is not None else None
    if customer is None or customer.merged_into_id is not None or customer.erased_at is not None:
        return None
    return customer


def _unknown() -> Response:
    return _page(language_of(None), status=404)


def _page(language: Language, status: int = 200, **values: object) -> Response:
    defaults = {"switches": None, "always": (), "named": None, "off": None, "saved": False}
    words = {"language": language, "say": language.say, "studio_nonce": nonce}
    response = make_response(
        render_template("studio_reservations/pages/messages.html", **{**defaults, **values, **words}), status
    )
    response.headers.update(HEADERS)
    return response
