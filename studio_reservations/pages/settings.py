"""Settings: messages, telephone and language, the private calendar feed, all that is held about one, and deleting it."""

from __future__ import annotations

import json

from flask import Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from studio_reservations.callers import Caller, Stranger, actor_for
from studio_reservations.csp import nonce
from studio_reservations.csrf import csrf_token
from studio_reservations.database import reading
from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.language import shipped_languages
from studio_reservations.page_language import language_of
from studio_reservations.pages.assets import BLUEPRINT, asset
from studio_reservations.pages.calls import Call, to_login
from studio_reservations.pages.frame import HEADERS, Frame
from studio_reservations.pages.messages import ALWAYS, SWITCHES, chosen
from studio_reservations.pages.routes import action, page
from studio_reservations.services.accounts import (
    create_feed_token,
    customer_by_feed_token,
    delete_feed_token,
    update_me,
)
from studio_reservations.services.exporting import everything_about
from studio_reservations.services.leaving import leave, preview_leaving
from studio_reservations.state import current_state

FEED = "studio_feed"
"""Of the portal's session: the token of a feed that has just been made and not yet been shown."""


@page("/settings", nav="settings")
def settings(call: Call) -> Response:
    """Show the person's settings, and once the address of their calendar, when it has just been made."""
    preferences = call.person.preferences
    if call.refusal is not None and call.route.name == "save_messages":
        preferences = chosen(request.form)
    feed_url = _feed_just_made(call)
    return call.show(
        "settings.html",
        switches=[(name, *words, preferences.get(name) is not False) for name, words in SWITCHES.items()],
        always=ALWAYS,
        sms=any(one.sms_enabled for one in call.studios),
        languages=list(shipped_languages()),
        feed_url=feed_url,
        webcal=None if feed_url is None else f"webcal://{feed_url.partition('://')[2]}",
    )


@action("/settings/messages", nav="settings", page=settings)
def save_messages(call: Call) -> Response:
    """Save which messages the person gets."""
    _update(call, {"preferences": chosen(request.form)})
    return call.go("settings", done="saved")


@action("/settings/details", nav="settings", page=settings)
def save_details(call: Call) -> Response:
    """Save the telephone number, read where it stands without a country code as one of the portal's region, and the language."""
    wanted = request.form.get("locale", "") or None
    if wanted is not None and wanted not in {tag for tag, _ in shipped_languages()}:
        raise InvalidRequest(errors={"locale": call.say("Choose one of the languages.")})
    kept = call.person.locale
    same = kept is not None and wanted is not None and kept.replace("_", "-").partition("-")[0] == wanted
    _update(call, {"phone": request.form.get("phone", ""), "locale": kept if same else wanted})
    return call.go("settings", done="saved")


@action("/settings/feed", nav="settings", page=settings)
def make_feed(call: Call) -> Response:
    """Make the address of the feed, which the settings show once; the one before is worthless from now on."""
    session[FEED] = create_feed_token(call.db_session, customer_id=call.person.id, actor=call.actor)
    return call.go("settings")


@action("/settings/feed/delete", nav="settings", page=settings)
def delete_feed(call: Call) -> Response:
    """Delete the address of the feed."""
    delete_feed_token(call.db_session, customer_id=call.person.id, actor=call.actor)
    return call.go("settings", done="feed_deleted")


@page("/settings/my-data.json", nav="settings")
def export(call: Call) -> Response:
    """Give everything that is held about the person as one file."""
    held = everything_about(call.db_session, customer_id=call.person.id, actor=call.actor, now=call.now)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="my-data.json"'}
    text = json.dumps(held, ensure_ascii=False, indent=2, sort_keys=True)
    return Response(text + "\n", mimetype="application/json", headers=headers)


@page("/settings/delete", nav="settings")
def delete_data(call: Call) -> Response:
    """Say what deleting ends and what must be kept, and ask."""
    found = preview_leaving(call.db_session, customer_id=call.person.id, actor=call.actor, now=call.now)
    return call.show("delete_data.html", found=found)


@action("/settings/delete", nav="settings", page=delete_data)
def delete_data_now(call: Call) -> Response:
    """Erase the person; a guardian goes on with their own settings."""
    if "agreed" not in request.form:
        raise InvalidRequest(errors={"agreed": call.say("Tick the box first: this cannot be undone.")})
    own = call.is_own
    leave(call.db_session, customer_id=call.person.id, actor=call.actor, now=call.now)
    if not own:
        return call.go("settings", person_id=call.actor.own_customer_id, done="deleted")
    return call.go_to(url_for(f"{BLUEPRINT}.deleted", lang=call.language.tag))


def deleted() -> ResponseReturnValue:
    """Confirm that one's data is deleted, on a page that takes nobody up anew, as any other of ours would."""
    state = current_state()
    user = state.identity.current_user()
    if user is None:
        return to_login()
    try:
        with reading() as db_session:
            actor_for(db_session, Caller(user=user), method=request.method, now=state.clock())
    except Stranger:
        frame = Frame(state=state, language=language_of(None, chosen=request.args.get("lang")))
        words = {
            "studio_page": frame,
            "say": frame.say,
            "asset": asset,
            "studio_nonce": nonce,
            "studio_csrf": csrf_token,
        }
        return frame.answer("deleted.html", words)
    return redirect(url_for(f"{BLUEPRINT}.settings"), 303)


def _feed_just_made(call: Call) -> str | None:
    """Return the feed's address where it was made by the request before: the portal's session alone carries it, once."""
    token = session.pop(FEED, None)
    try:
        if token is None or customer_by_feed_token(call.db_session, token=token).id != call.person.id:
            return None
    except NotFound:
        return None
    return url_for("studio_api.get_calendar_feed", token=token, _external=True)


def _update(call: Call, changes: dict[str, object]) -> None:
    update_me(
        call.db_session,
        customer_id=call.person.id,
        changes=changes,
        actor=call.actor,
        now=call.now,
        region=call.state.settings.default_region,
    )
