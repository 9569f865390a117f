"""A write that is sent again with its key gets the answer it got, byte for byte.

The answer is stored in the transaction of its effect. On PostgreSQL an advisory lock on the key tells that the first is still
at work; on SQLite the second waits. Work in transactions of its own stores `AT_WORK` before its first, so that nothing is done
for another body meanwhile. Source: api.md, Errors.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from flask import Request
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from studio_reservations.api.answers import Sent
from studio_reservations.errors import IdempotencyInProgress, IdempotencyKeyReused, InvalidRequest
from studio_reservations.models import IdempotencyRecord, new_id
from studio_reservations.models.connection import connection
from studio_reservations.services.actors import Actor
from studio_reservations.services.remembered import KEPT, forget_answers

HEADER = "Idempotency-Key"
MAX_KEY = 255
AT_WORK = Sent(status=0, headers={}, body=b"")
"""What stands for the answer of work that is not done: the same body may try again, another one may not."""

_TRY_LOCK = select(func.pg_try_advisory_xact_lock(bindparam("number")))
_RECORD = select(IdempotencyRecord).where(
    IdempotencyRecord.principal == bindparam("principal"),
    IdempotencyRecord.method == bindparam("method"),
    IdempotencyRecord.path == bindparam("path"),
    IdempotencyRecord.key == bindparam("key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retryable:
    """A write with a key; ``principal`` is who asks, ``body_hash`` covers the query string as well."""

    principal: str
    method: str
    path: str
    key: str
    body_hash: str

    def answered(self, db_session: Session, *, now: datetime) -> Sent | None:
        """Return the answer already given within 24 hours, or None and forget an older one and `AT_WORK`.

        :raises IdempotencyInProgress: where the same write is at work in another transaction.
        :raises IdempotencyKeyReused: where the key was used for another body.
        """
        if connection(db_session).dialect.name == "postgresql":
            lock = {"number": int.from_bytes(self._digest()[:8], signed=True)}
            if not connection(db_session).execute(_TRY_LOCK, lock).scalar_one():
                raise IdempotencyInProgress()
        record = db_session.scalars(_RECORD, self._scope()).one_or_none()
        if record is None:
            return None
        is_old = record.created_at <= now - KEPT
        if not is_old and record.body_hash != self.body_hash:
            raise IdempotencyKeyReused()
        if is_old or record.status == AT_WORK.status:
            db_session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.id == record.id))
            return None
        headers = dict(line.split(": ", 1) for line in record.headers)
        return Sent(status=record.status, headers=headers, body=record.body)

    def remember(self, db_session: Session, sent: Sent, *, now: datetime) -> None:
        """Store the answer, in the transaction of its effect, and forget some that are older than 24 hours."""
        forget_answers(db_session, now=now)
        db_session.add(
            IdempotencyRecord(
                id=new_id(),
                **self._scope(),
                body_hash=self.body_hash,
                status=sent.status,
                headers=[f"{name}: {value}" for name, value in sent.headers.items()],
                body=sent.body,
                created_at=now,
            )
        )
        db_session.flush()

    def _scope(self) -> dict[str, str]:
        return {"principal": self.principal, "method": self.method, "path": self.path, "key": self.key}

    def _digest(self) -> bytes:
        return hashlib.sha256("\0".join(self._scope().values()).encode()).digest()


def retryable(request: Request, actor: Actor) -> Retryable | None:
    """Return what a write with an ``Idempotency-Key`` is known by, or None without one. :raises InvalidRequest:"""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise InvalidRequest(errors={HEADER: f"Send 1 to {MAX_KEY} printable ASCII characters."})
    return Retryable(
        principal=f"{actor.kind}:{actor.id}",
        method=request.method,
        path=request.path,
        key=key,
        body_hash=hashlib.sha256(request.query_string + b"\0" + request.get_data(cache=True)).hexdigest(),
    )
