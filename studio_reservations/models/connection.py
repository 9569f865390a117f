"""The connection on which statements about the studio tables run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from studio_reservations.models.reservations import SessionReservation


def connection(session: Session, **execution_options: Any) -> Connection:
    """Return the session's connection to the studio tables, for Core statements.

    A bare ``session.connection()`` is the default engine's, which in a portal with several binds is another database.
    ``execution_options`` count only for the first call in a transaction.
    """
    return session.connection(
        bind_arguments={"mapper": SessionReservation}, execution_options=execution_options or None
    )
