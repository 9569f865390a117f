"""Settings: messages, telephone and language, the private calendar feed, all that is held about one, and deleting it."""

from __future__ import annotations

import json

from flask import Response, request, url_for

from studio_reservations.errors import InvalidRequest
from studio_reservations.language import shipped_languages
from studio_reservations.pages.calls import HEADERS, Call
from studio_reservations.pages.messages import ALWAYS, SWITCHES, chosen
from studio_reservations.pages.routes import action, page
from studio_reservations.services.accounts import create_feed_token, delete_feed_token, update_me
from studio_reservations.services.exporting import everything_about
from studio_reservations.services.leaving import leave, preview_leaving


@page("/settings", nav="settings")
def settings(call: Call, feed_url: str | None = None) -> Response:
    """Show the person's settings; ``feed_url`` once, when it has just been made."""
    preferences = call.person.preferences
    return call.show(
        "settings.html",
        switches=[(name, *words, preferences.get(name) is not False) for name, words in SWITCHES.items()],
        always=ALWAYS,
        sms=any(one.sms_enabled for one in call.studios),
        languages=list(shipped_languages()),
        feed_url=feed_url,
        webcal=None if feed_url is None else f"webcal://{feed_url.partition('://')[2]}",
    )


@action("/settings/messages", nav="settings", again=settings)
def save_messages(call: Call) -> Response:
    """Save which messages the person gets."""
    _update(call, {"preferences": chosen(request.form)})
    return call.go("settings", done="saved")


@action("/settings/details", nav="settings", again=settings)
def save_details(call: Call) -> Response:
    """Save the telephone number, read where it stands without a country code as one of the portal's region, and the language."""
    wanted = request.form.get("locale", "") or None
    if wanted is not None and wanted not in {tag for tag, _ in shipped_languages()}:
        raise InvalidRequest(errors={"locale": call.say("Choose one of the languages.")})
    kept = call.person.locale
    same = kept is not None and wanted is not None and kept.replace("_", "-").partition("-")[0] == wanted
    _update(call, {"phone": request.form.get("phone", ""), "locale": kept if same else wanted})
    return call.go("settings", done="saved")


@action("/settings/feed", nav="settings", again=settings)
def make_feed(call: Call) -> Response:
    """Make the address of the feed and show it, this once; the one before is worthless from now on."""
    token = create_feed_token(call.db_session, customer_id=call.person.id, actor=call.actor)
    return settings(call, feed_url=url_for("studio_api.get_calendar_feed", token=token, _external=True))


@action("/settings/feed/delete", nav="settings", again=settings)
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


@action("/settings/delete", nav="settings", again=delete_data)
def delete_data_now(call: Call) -> Response:
    """Erase the person; a guardian goes on with their own settings."""
    if "agreed" not in request.form:
        raise InvalidRequest(errors={"agreed": call.say("Tick the box first: this cannot be undone.")})
    own, name = call.is_own, " ".join(call.person.name.split())
    leave(call.db_session, customer_id=call.person.id, actor=call.actor, now=call.now)
    if not own:
        return call.go("settings", person_id=call.actor.own_customer_id, done="deleted")
    # Not a page of ours to go on to: the next one would take them up anew.
    return call.show("deleted.html", name=name)


def _update(call: Call, changes: dict[str, object]) -> None:
    update_me(
        call.db_session,
        customer_id=call.person.id,
        changes=changes,
        actor=call.actor,
        now=call.now,
        region=call.state.settings.default_region,
    )
