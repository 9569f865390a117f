"""Who is calling, and what they may change of themselves."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.requests import Input
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import CsrfOut, FeedOut, MeOut
from studio_reservations.csrf import csrf_token
from studio_reservations.services.accounts import create_feed_token, update_me
from studio_reservations.services.directory import known_studios, people_of

TAG = "Me"


class Preferences(Input):
    """Messages that may be switched off; what is not named stays."""

    reminder: bool = Field(True, description="The reminder 24 h before.")
    check_in: bool = Field(True, description="The confirmation of a check-in.")
    pass_expiring: bool = True
    sms: bool = True


class ChangeMe(Input):
    phone: str | None = Field(None, max_length=200)
    locale: str | None = Field(None, max_length=35)
    preferences: Preferences = Preferences()


class MakeFeed(Input):
    customer_id: UUID | None = Field(None, description="A ward, whose feed it shall be instead of mine.")


@endpoint("GET", "/csrf", tag=TAG, gives=CsrfOut)
def get_csrf_token(_call: Call) -> Answer:
    """The token that writes with the portal's cookie carry as `X-CSRFToken`."""
    return Answer(value={"csrf_token": csrf_token()})


@endpoint("GET", "/me", tag=TAG, gives=MeOut)
def get_me(call: Call) -> Answer:
    """Who I am, whom I may act for, my studios and roles."""
    return Answer(value=_me(call))


@endpoint("PATCH", "/me", tag=TAG, takes=ChangeMe, gives=MeOut, errors=("not_found",))
def change_me(call: Call, body: ChangeMe) -> Answer:
    """Change my phone, locale and the messages I get; what is not sent stays."""
    update_me(
        call.db_session,
        customer_id=call.own_customer_id,
        changes=body.model_dump(exclude_unset=True),
        actor=call.actor,
        now=call.now,
        region=call.state.settings.default_region,
    )
    return Answer(value=_me(call))


@endpoint("POST", "/me/calendar-feed", tag=TAG, takes=MakeFeed, gives=FeedOut, errors=("not_found",))
def make_calendar_feed(call: Call, body: MakeFeed) -> Answer:
    """The address of my calendar feed, told this once; the one before is worthless from now on."""
    token = create_feed_token(call.db_session, customer_id=body.customer_id or call.own_customer_id, actor=call.actor)
    return Answer(value={"url": url_for("studio_api.get_calendar_feed", token=token, _external=True)})


def _me(call: Call) -> dict[str, object]:
    people = people_of(call.db_session, call.actor)
    own = next((one for one in people if one.id == call.actor.own_customer_id), None)
    return {
        "kind": call.actor.kind.value,
        "customer": None if own is None else {**serial.customer(own), "preferences": own.preferences},
        "acts_for": [{"id": str(one.id), "name": one.name} for one in people if one is not own],
        "studios": [
            serial.studio(one, call.actor.role_at(one.id)) for one in known_studios(call.db_session, call.actor)
        ],
    }
