"""Every error as ``application/problem+json``: its code, its sentence, its values, and nothing of the inside.

Source: api.md, Errors (RFC 9457).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from flask import request
from werkzeug.exceptions import HTTPException

from studio_reservations import errors, sentences
from studio_reservations.api.answers import Sent, dumped
from studio_reservations.api.languages import answer_language, language_headers
from studio_reservations.errors import InternalError, StudioError
from studio_reservations.policies.local_time import zone
from studio_reservations.state import current_state

PROBLEM = "application/problem+json"
OWN_MEMBERS = frozenset({"type", "title", "status", "code", "detail", "instance"})
BY_STATUS: Mapping[int, type[StudioError]] = {
    400: errors.MalformedJson,
    401: errors.NotAuthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    422: errors.InvalidRequest,
    429: errors.RateLimited,
    503: errors.TryAgain,
}
"""How an error of werkzeug's, or one that the portal raises before a call reaches us, is told."""

log = logging.getLogger(__name__)


def problem_for(error: Exception) -> Sent:
    """Return the answer to whatever was raised; the unexpected is logged under the reference that the answer carries."""
    headers: dict[str, str] = {}
    if isinstance(error, HTTPException):
        status = error.code or 500
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
        if (known := BY_STATUS.get(status)) is not None:
            error = known()
        elif status < 500:
            error = errors.InvalidRequest(errors={"request": f"{error.name}."})
        else:
            error = _unexpected(error)
    elif not isinstance(error, StudioError):
        error = _unexpected(error)
    return _sent(error, headers)


def sentence(error: StudioError, *, timezone: str | None = None) -> str:
    """Return the sentence of a refusal in the language of this answer."""
    return sentences.sentence_of(error, timezone=timezone, language=answer_language())


def described(error: StudioError, *, timezone: str | None = None) -> dict[str, Any]:
    """Return a refusal that stands within an answer: ``code``, ``detail`` and its values."""
    return {
        "code": error.code,
        "detail": sentence(error, timezone=timezone),
        **_members(error, timezone=timezone),
    }


def json_value(value: Any, *, timezone: str | None = None) -> Any:
    """Return ``value`` as JSON: instants with the studio's offset where ``timezone`` is known, ids and dates as text."""
    if isinstance(value, datetime):
        return value.astimezone(zone(timezone) if timezone else UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, StudioError):
        return {"code": value.code, "detail": sentence(value, timezone=timezone)}
    if isinstance(value, Mapping):
        if isinstance(refusal := value.get("refusal"), StudioError):
            rest = {name: item for name, item in value.items() if name != "refusal"}
            return json_value(rest, timezone=timezone) | json_value(refusal, timezone=timezone)
        return {str(key): json_value(item, timezone=timezone) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(item, timezone=timezone) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _sent(error: StudioError, headers: dict[str, str]) -> Sent:
    timezone = error.values.get("timezone")
    body = {
        "type": f"{request.script_root}{current_state().settings.api_prefix}/errors/{error.code}",
        "title": sentences.title_of(error, language=answer_language()),
        "status": error.status,
        **described(error, timezone=timezone),
    }
    headers |= {"Content-Type": PROBLEM, **language_headers()}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after" in error.values:
        headers["Retry-After"] = str(error.values["retry_after"])
    elif error.status == 503:
        headers["Retry-After"] = "1"
    return Sent(status=error.status, headers=headers, body=dumped(body))


def _members(error: StudioError, *, timezone: str | None) -> dict[str, Any]:
    members = {name: value for name, value in error.values.items() if name not in OWN_MEMBERS}
    if isinstance(error, errors.InvalidRequest) and isinstance(members.get("errors"), Mapping):
        language = answer_language()
        members["errors"] = {field: language.text(str(said)) for field, said in members["errors"].items()}
    found: dict[str, Any] = json_value(members, timezone=timezone)
    return found


def _unexpected(error: Exception) -> InternalError:
    reference = uuid4().hex[:12]
    log.error("internal error %s at %s %s", reference, request.method, request.path, exc_info=error)
    return InternalError(reference=reference)
