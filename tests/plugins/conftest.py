"""The lives of passes are played on a database, as those of the services are."""

from tests.services.conftest import db_session

__all__ = ["db_session"]
