"""A form that is sent twice, by two taps or by a reload, does once what it says; the second is led to where the first went.

Each form that is shown carries a number of its own. Where it led is kept for a day beside the API's answers, in the
transaction of its effect. The second of two at the same instant waits for the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from flask import Request
from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from studio_reservations.csrf import FIELD as TOKEN
from studio_reservations.models import IdempotencyRecord, new_id
from studio_reservations.models.connection import connection
from studio_reservations.services.actors import Actor
from studio_reservations.services.remembered import forget_answers

FIELD = "once"
_RECORD: Table = IdempotencyRecord.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An act that succeeded: what to say, and the address to go on to."""

    message: str
    to: str


def number() -> str:
    """Return the number of one form."""
    return token_urlsafe(12)


def done_once(db_session: Session, request: Request, *, actor: Actor, now: datetime, do: Callable[[], Any]) -> Any:
    """Return what ``do`` returns; where this very form has been done already, the way to where it led."""
    sent = request.form.get(FIELD)
    if not sent:
        return do()
    database = connection(db_session)
    insert = postgresql.insert if database.dialect.name == "postgresql" else sqlite.insert
    # Whoever goes back and changes a field sends another form.
    typed = json.dumps([one for one in request.form.items(multi=True) if one[0] != TOKEN])
    scope = {
        "principal": f"form:{actor.id}",
        "method": "POST",
        "path": request.path,
        "key": sha256(typed.encode()).hexdigest(),
    }
    kept = {"body_hash": "", "status": 0, "headers": [], "body": b"", "created_at": now}
    claim = insert(_RECORD).values(id=new_id(), **scope, **kept).on_conflict_do_nothing().returning(_RECORD.c.id)
    of_form = [_RECORD.c[name] == value for name, value in scope.items()]
    if database.execute(claim).first() is None:
        led_to = database.execute(select(_RECORD.c.body).where(*of_form)).scalar_one()
        return Done(message="This was done already, and is not done again.", to=led_to.decode())
    outcome = do()
    if isinstance(outcome, Done):
        database.execute(update(_RECORD).where(*of_form).values(status=303, body=outcome.to.encode()))
        forget_answers(db_session, now=now)
    else:  # it was not done: the form is shown again
        database.execute(delete(_RECORD).where(*of_form))
    return outcome
