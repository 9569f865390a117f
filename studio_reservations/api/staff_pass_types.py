"""The kinds of pass that this portal has, each with the form in which staff choose its options."""

from __future__ import annotations

from typing import Any

from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.languages import answer_language
from studio_reservations.api.requests import Input
from studio_reservations.api.routes import endpoint
from studio_reservations.api.staff_customers import StudioSlug
from studio_reservations.api.staff_schemas import PassTypesOut
from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import Role
from studio_reservations.pass_type_registry import InstalledPassType
from studio_reservations.services.directory import staff_studio


class PassTypesQuery(Input):
    studio: StudioSlug = None


@endpoint(
    "GET",
    "/staff/pass-types",
    tag="Staff: passes",
    takes=PassTypesQuery,
    gives=PassTypesOut,
    errors=("not_found", "forbidden"),
)
def list_pass_types(call: Call, query: PassTypesQuery) -> Answer:
    """The kinds of pass that can be issued, what staff choose for each, and what is wrong with those that cannot be."""
    call.actor.require(staff_studio(call.db_session, call.actor, query.studio).id, Role.FRONT_DESK)
    pass_types = call.state.pass_types
    shown = sorted(pass_types, key=lambda one: (one.rank, one.key))
    return Answer(
        value={
            "items": [_shown(one) for one in shown],
            "not_loaded": [{"name": name, "fault": fault} for name, fault in sorted(pass_types.faults.items())],
        }
    )


def _shown(pass_type: InstalledPassType) -> dict[str, Any]:
    language = answer_language().tag
    try:
        form = pass_type.form(language=language)
    except PassTypeUnavailable:
        form = []
    return {
        "key": pass_type.key,
        "label": pass_type.say(pass_type.label, language=language),
        "package": pass_type.package,
        "version": pass_type.version,
        "options": form,
        "fault": pass_type.health.fault,
    }
