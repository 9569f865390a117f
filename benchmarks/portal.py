"""The portal under measurement, and beside it the floors: what Flask, the driver and the edge cost without our work."""

from __future__ import annotations

import json
import os
from datetime import timedelta

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from itsdangerous import URLSafeTimedSerializer
from psycopg_pool import ConnectionPool
from sqlalchemy import make_url

from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call, view_of
from studio_reservations.api.limits import CallLimit
from studio_reservations.api.reservations import CreateReservation
from studio_reservations.api.routes import Endpoint
from studio_reservations.models import new_id
from studio_reservations.settings import Settings
from tests.factories import NOW
from tests.host import Clock, create_app

DATABASE = "BENCHMARK_DATABASE_URL"
SECRET = "not a secret"
LOCK = """SELECT id, studio_id, customer_id FROM studio_class_registration WHERE id = %s FOR NO KEY UPDATE"""
RESERVE = """INSERT INTO studio_session_reservation (id, studio_id, registration_id, session_id, customer_id, status,
  reserved_at, first_reserved_at, undo_until, punches_held, punches_used, free_cancellation_until, late_cancel_punches,
  late_cancel_counts, late, counts_as_no_show, flags)
VALUES (%(id)s, %(studio)s, %(pass)s, %(session)s, %(customer)s, 'PENDING', %(now)s, %(now)s, %(now)s, 1, 0, %(now)s, 0,
  false, false, false, '[]')"""
TAKE = """UPDATE studio_class_session SET seats_taken = seats_taken + 1 WHERE id = %s AND seats_taken < capacity"""
LIST = """SELECT id, starts_at, ends_at, capacity, capacity - seats_taken AS seats_left FROM studio_class_session
WHERE starts_at BETWEEN %s AND %s ORDER BY starts_at, id LIMIT 200"""


def create_portal() -> Flask:
    """Make the portal on the database that the environment names."""
    url = os.environ[DATABASE]
    app = create_app(url, clock=Clock(NOW), config={"SECRET_KEY": SECRET, "TESTING": False})
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    pool = ConnectionPool(conninfo, min_size=4, max_size=4, open=True)
    nothing = Endpoint(
        method="POST", path="/", handle=_answer_nothing, tag="", takes=CreateReservation, gives={}, errors=()
    )
    app.add_url_rule(
        "/floor/fair", view_func=view_of(nothing, CallLimit(Settings())), endpoint="fair", methods=["POST"]
    )

    @app.post("/floor/bare")
    def bare() -> ResponseReturnValue:
        body = request.get_json()
        with pool.connection() as connection:
            row = connection.execute(LOCK, (body["registration_id"],)).fetchone()
            assert row is not None
            values = {"id": new_id(), "pass": row[0], "studio": row[1], "customer": row[2], "now": NOW}
            connection.execute(RESERVE, values | {"session": body["session_id"]})
            connection.execute(TAKE, (body["session_id"],))
        return {"id": str(values["id"])}, 201

    @app.get("/floor/list")
    def bare_list() -> ResponseReturnValue:
        with pool.connection() as connection:
            rows = connection.execute(LIST, (NOW, NOW + timedelta(days=30))).fetchall()
        items = [
            {"id": str(one[0]), "starts_at": one[1].isoformat(), "ends_at": one[2].isoformat(), "seats_left": one[4]}
            for one in rows
        ]
        return json.dumps({"items": items}), 200, {"Content-Type": "application/json"}

    return app


def signing_serializer() -> URLSafeTimedSerializer:
    """Return what signs the portal's session cookies."""
    app = Flask("benchmark")
    app.secret_key = SECRET
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return serializer


def _answer_nothing(call: Call, body: CreateReservation) -> Answer:  # noqa: ARG001 - what an endpoint is given
    return Answer(value={}, status=201)
