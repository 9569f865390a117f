"""Schemathesis sends what the OpenAPI document allows, and what it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from studio_reservations.api.routes import ENDPOINTS
from tests.api.client import document

CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
BOUNDS = settings(
    max_examples=18,
    derandomize=True,
    deadline=timedelta(seconds=10),
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_nothing_that_is_sent_breaks_it(app, world, endpoint):
    schema = schemathesis.openapi.from_dict(document())
    schema.app = app
    operation = schema[endpoint.open_path][endpoint.method]
    known = {
        "reservation_id": str(world.reservation),
        "session_id": str(world.session),
        "registration_id": str(world.ada_pass),
        "class_id": str(world.studio_class),
        "customer_id": str(world.ada),
        "studio": "clay",
    }
    token = world.tokens["manage" if endpoint.tag.startswith("Staff") else "customer"]

    def with_known(given_part):
        """What is named in the world is put in, so that the call gets further than "not found"."""
        if not isinstance(given_part, dict):
            return given_part
        return {name: known.get(name, value) if isinstance(value, str) else value for name, value in given_part.items()}

    def send(case, keep):
        if not keep:
            case.path_parameters, case.query = with_known(case.path_parameters), with_known(case.query)
            case.body = with_known(case.body)
        response = case.call(base_url="http://localhost/api", headers={"Authorization": f"Bearer {token}"})
        case.validate_response(response, checks=CHECKS)

    modes = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    BOUNDS(given(st.one_of(modes), st.booleans())(send))()
