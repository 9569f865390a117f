"""What callers send, turned into values by pydantic models that refuse what they do not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from flask import Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from studio_reservations.errors import InvalidRequest, MalformedJson, PayloadTooLarge, UnsupportedMediaType
from studio_reservations.services.overrides import Override

YEARS = range(1970, 2200)
"""Outside them nothing can be meant, and arithmetic on dates could leave Python's calendar."""

MAX_ERRORS = 20
MAX_NAME = 200
M = TypeVar("M", bound="Input")


class Input(BaseModel):
    """What an endpoint takes; without fields of its own it takes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _sensible(value: date) -> date:
    if value.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS.start} and {YEARS.stop - 1}")
    return value


def _in_utc(value: datetime) -> datetime:
    _sensible(value)
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Day = Annotated[date, AfterValidator(_sensible)]
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


def unsent() -> Any:
    """Return the value of a field that may be left out but not be null; nobody looks at it."""
    return None


class OverrideIn(Input):
    """Rules that staff set aside, and why."""

    rules: list[ShortText] = Field(min_length=1, max_length=20, description="Codes of refusals.")
    reason: str = Field("", max_length=1000)


def override_of(given: OverrideIn | None) -> Override | None:
    """Return an override as the services know it."""
    return None if given is None else Override(rules=frozenset(given.rules), reason=given.reason)


def read_body(request: Request, model: type[M], *, limit: int) -> M:
    """Return the JSON body as ``model``; none at all is an empty object.

    :raises PayloadTooLarge, UnsupportedMediaType, MalformedJson, InvalidRequest:
    """
    raw = raw_body(request, limit=limit)
    if not raw.strip():
        raw = b"{}"
    elif not request.is_json:
        raise UnsupportedMediaType()
    value = _parsed(raw)
    _refuse_nul(value)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            raise MalformedJson() from error
        raise InvalidRequest(errors=errors_by_field(error)) from error


def read_query(request: Request, model: type[M]) -> M:
    """Return the query string as ``model``. :raises InvalidRequest: also for a parameter given twice."""
    repeated = {name: "Give it once." for name, values in request.args.lists() if len(values) > 1}
    if repeated:
        raise InvalidRequest(errors=repeated)
    values = request.args.to_dict()
    _refuse_nul(values)
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise InvalidRequest(errors=errors_by_field(error, whole="query")) from error


def raw_body(request: Request, *, limit: int) -> bytes:
    """Read the body, once and at most ``limit`` bytes. :raises PayloadTooLarge:"""
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge(limit=limit)
    request.max_content_length = min(limit, request.max_content_length or limit)
    try:
        return request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise PayloadTooLarge(limit=request.max_content_length) from None
    except ClientDisconnected as error:
        raise MalformedJson() from error


def errors_by_field(error: ValidationError, *, whole: str = "body") -> dict[str, str]:
    """Return a sentence for each wrong field, by its dotted name; what concerns no single field stands under ``whole``."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]:
        name = ".".join(map(str, one["loc"])) or whole
        found.setdefault(name[:MAX_NAME].encode(errors="replace").decode(), _sentence(one["type"], one["msg"]))
    return found


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such field."
    message = message.removeprefix("Value error, ")
    return f"{message[:1].upper()}{message[1:]}."


def _parsed(raw: bytes) -> Any:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedJson() from error
    if not isinstance(value, dict):
        raise InvalidRequest(errors={"body": "Send a JSON object."})
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refuse_nul(value: Any) -> None:
    if fields := {name or "body": "It must not hold the character NUL." for name in _with_nul(value)}:
        raise InvalidRequest(errors=fields)


def _with_nul(value: Any) -> Iterator[str]:
    """Yield the names of texts with NUL, which PostgreSQL cannot store; however deep they lie, the stack does not grow."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, str) and "\0" in one:
            yield name[:MAX_NAME].replace("\0", "")
        elif isinstance(one, dict):
            waiting += [(name, key) for key in one]
            waiting += [(f"{name}.{key}".lstrip(".")[:MAX_NAME], item) for key, item in one.items()]
        elif isinstance(one, list):
            waiting += [(f"{name}.{index}"[:MAX_NAME], item) for index, item in enumerate(one)]
