"""Where the story plays: the portal, its clock, the people who are logged in, and what the manager sets up meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from config.clock import move
from config.processes import flask
from config.tour.client import Answer, Client
from config.tour.telling import Telling
from config.world.names import MAIN, PASSWORD, address
from config.world.schedule import TORONTO

BEGIN = datetime(2026, 12, 1, 10, 0, tzinfo=TORONTO)
"""A Tuesday morning. The story's clock shows it wherever it is told, so that it is the same every time."""


class Stage:
    """What the chapters share."""

    def __init__(self, tell: Telling, *, port: int, clock: Path, environ: Mapping[str, str]) -> None:
        self.tell = tell
        self.port = port
        self.clock = clock
        self.environ = environ
        self.kept: dict[str, str] = {}
        self.walk_ins: dict[str, dict[str, str]] = {}
        self._people: dict[str, Client] = {}
        self._classes: dict[str, Any] = {}

    def at(self, days: int, hour: int, minute: int = 0) -> datetime:
        """Return an instant, days from the first one, by Toronto's wall clock."""
        return datetime.combine(BEGIN.date() + timedelta(days=days), time(hour, minute), TORONTO).astimezone(UTC)

    def move_clock(self, days: int, hour: int, minute: int = 0) -> None:
        """Move the portal's clock."""
        instant = self.at(days, hour, minute)
        move(self.clock, instant)
        self.tell.note(f"The clock moves to {instant.astimezone(TORONTO):%a %-d %B, %H:%M}.")

    def person(self, name: str) -> Client:
        """Return somebody with a login, logged in when first asked for."""
        if name not in self._people:
            self._people[name] = Client(self.port)
            _right(self._people[name].log_in(address(name), PASSWORD), 303)
        return self._people[name]

    def token(self, *options: str) -> str:
        """Make a bearer token, as an operator does."""
        return flask("studio", "token", "create", *options, environ=self.environ)

    def integration(self) -> Client:
        """Return a caller with the front desk's token."""
        return Client(self.port, token=self.kept["token"])

    def class_id(self, title: str) -> str:
        """Return a class of the main studio by its title."""
        return str(self._class(title)["id"])

    def step_id(self, title: str, position: int) -> str:
        """Return one part of a class."""
        return str(self._class(title)["steps"][position - 1]["id"])

    def session(self, title: str, starts_at: datetime, *, capacity: int = 8, part: int | None = None) -> str:
        """Put a class on the schedule, by the manager's hand, and return its id."""
        created = self.person("manager").post(
            "/staff/sessions",
            class_id=self.class_id(title),
            starts_at=starts_at.isoformat(),
            capacity=capacity,
            step_id=self.step_id(title, part) if part else None,
        )
        return str(_right(created, 201)["id"])

    def guest(
        self, name: str, pass_type: str, options: Mapping[str, Any] | None = None, **terms: Any
    ) -> tuple[str, str]:
        """Add a customer without a login, with a pass, by the manager's hand; return the ids of both."""
        manager = self.person("manager")
        customer = str(_right(manager.post("/staff/customers", name=name), 201)["id"])
        return customer, self.issue(customer, pass_type, options, **terms)

    def issue(self, customer: str, pass_type: str, options: Mapping[str, Any] | None = None, **terms: Any) -> str:
        """Issue a pass, by the manager's hand, and return its id."""
        issued = self.person("manager").post(
            "/staff/registrations", customer_id=customer, pass_type=pass_type, pass_options=options or {}, **terms
        )
        return str(_right(issued, 201)["id"])

    def pass_of(self, name: str, pass_type: str, *, customer_id: str | None = None) -> str:
        """Return a pass of somebody who is logged in, or of their ward."""
        items = self.person(name).get("/registrations", customer_id=customer_id).body["items"]
        return next(str(one["id"]) for one in items if one["pass_type"] == pass_type)

    def reservations(self, name: str, registration: str, when: str = "all") -> list[dict[str, Any]]:
        """Return the reservations of a pass."""
        found: list[dict[str, Any]] = (
            self.person(name).get(f"/registrations/{registration}/reservations", when=when).body["items"]
        )
        return found

    def parts(self, name: str, part: int) -> list[str]:
        """Return the coming sessions of one part of the course, as somebody sees them, soonest first."""
        items = self.person(name).get("/reservations/available", class_id=self.class_id("Mug Building")).body["items"]
        title = self._class("Mug Building")["steps"][part - 1]["title"]
        return [str(one["id"]) for one in items if one["step"] == title]

    def own_id(self, name: str) -> str:
        """Return which customer somebody is."""
        return str(self.person(name).get("/me")["customer.id"])

    def _class(self, title: str) -> Any:
        cursor: str | None = None
        while not self._classes or cursor:
            page = self.person("manager").get("/classes", studio=MAIN, limit=200, cursor=cursor).body
            self._classes |= {one["title"]: one for one in page["items"]}
            cursor = page["next"]
        return self._classes[title]


def _right(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.raw[:300]!r}")
    return answer
