"""Somebody at the portal: a browser's session or a bearer token, over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from config.processes import HOST

API = "/api"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object, empty where there is none."""
        if "json" not in self.headers.get("content-type", ""):
            return {}
        found: dict[str, Any] = json.loads(self.raw)
        return found

    def __getitem__(self, path: str) -> Any:
        """Return a value by its dotted path."""
        value: Any = self.body
        for name in path.split("."):
            value = value[int(name)] if isinstance(value, list) else value[name]
        return value

    @property
    def word(self) -> str:
        """The code of a refusal, or what became of a reservation."""
        return str(self.body.get("code" if self.status >= 400 else "status", ""))


class Client:
    """Keeps cookies and tokens; one thread at a time."""

    def __init__(self, port: int, *, token: str | None = None) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=60)
        self._cookies: SimpleCookie = SimpleCookie()
        self._token = token
        self._csrf_token: str | None = None

    def log_in(self, email: str, password: str) -> Answer:
        """Log in as a browser does: fetch the form, send it with its token, and ask the API for one for later writes."""
        page = self.send("GET", "/login").raw.decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        fields = {"email": email, "password": password, "csrf_token": token[1] if token else ""}
        origin = {"Origin": f"http://{HOST}:{self._connection.port}", "Content-Type": FORM}
        answer = self.send("POST", "/login", urlencode(fields).encode(), origin)
        self._csrf_token = self.get("/csrf").body.get("csrf_token")
        return answer

    def get(self, path: str, **query: Any) -> Answer:
        """Ask the API."""
        asked = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        return self.send("GET", f"{API}{path}{'?' if asked else ''}{urlencode(asked)}")

    def post(self, path: str, body: Mapping[str, Any] | None = None, /, **more: Any) -> Answer:
        """Send JSON to the API."""
        return self.write("POST", path, {**(body or {}), **more})

    def write(self, method: str, path: str, body: Mapping[str, Any], **headers: str) -> Answer:
        """Send JSON to the API by any method, with further headers."""
        return self.send(
            method, f"{API}{path}", json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
        )

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request as it is, with what shows who we are."""
        known = {}
        if self._token:
            known["Authorization"] = f"Bearer {self._token}"
        if self._cookies:
            known["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        if self._csrf_token and method != "GET":
            known["X-CSRFToken"] = self._csrf_token
        self._connection.request(method, path, body, {**known, **(headers or {})})
        response = self._connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", ()):
            self._cookies.load(cookie)
        lowered = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status, lowered, response.read())
        self._connection.close()  # the server would, while the story pauses
        return answer
