"""An endpoint's answer as it goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response

from studio_reservations.api.languages import language_headers

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint answers: a JSON value, or bytes of another media type."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON

    def sent(self) -> Sent:
        """Return it in bytes, made while the transaction is open."""
        body = self.value if isinstance(self.value, bytes) else dumped(self.value)
        headers = {"Content-Type": self.media_type, **(language_headers() if self.media_type == JSON else {})}
        return Sent(status=self.status, headers={**headers, **self.headers}, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Status, headers and bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def response(self) -> Response:
        """Return Flask's response; what is private is kept by nobody on the way."""
        headers = {
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
            "X-Content-Type-Options": "nosniff",
            **self.headers,
        }
        return Response(self.body, status=self.status, headers=headers)


def dumped(value: Any) -> bytes:
    """Return ``value`` as compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
