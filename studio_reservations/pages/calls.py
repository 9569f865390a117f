"""What happens around every page: recognise, protect, one transaction, one language, one person for whom it is.

A view is left with asking one service and naming a template. Whatever is refused is a page with a sentence, never a 500.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

from flask import Response, abort, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from studio_reservations.callers import Caller, Stranger, actor_for, welcome
from studio_reservations.csrf import check_form_csrf
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import InvalidRequest, NotFound, StudioError
from studio_reservations.models import Customer, Studio
from studio_reservations.page_language import language_of
from studio_reservations.pages.assets import BLUEPRINT
from studio_reservations.pages.back import came_from, here
from studio_reservations.pages.frame import Frame
from studio_reservations.pages.ids import read_id
from studio_reservations.pages.routes import Route
from studio_reservations.pages.words import helpers
from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.pass_words import amount, punches, word_for
from studio_reservations.services.actors import Actor, Clock
from studio_reservations.services.directory import known_studios, people_of
from studio_reservations.state import State, current_state

ROLLOUTS = ("ON", "INTERNAL", "OFF")
"""Those of a studio, the one that lets most people in first."""
LISTS = frozenset({"calendar", "sessions", "course"})
"""Pages from which one opens a session or a reservation; those remember which, so that one can go back."""
OPENED = frozenset({"session", "reserve", "reservation", "check_in", "cancel", "cancel_now", "move", "move_now"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Frame):
    """One request for a page: who asks and for whom, at what instant, in what language, and the open transaction.

    ``people`` are all for whom the reader may act, ``studios`` those that know ``person``; ``refusal`` is set where the page
    is shown again because an action was refused.
    """

    route: Route
    actor: Actor
    now: datetime
    db_session: Session
    person: Customer
    people: Sequence[Customer]
    studios: Sequence[Studio]
    refusal: StudioError | None = None

    @property
    def clock(self) -> Clock:
        """The clock of this request, which was read once."""
        return lambda: self.now

    @property
    def reader(self) -> Customer:
        """The customer that the reader is, whoever the page is for."""
        return next(one for one in self.people if one.id == self.actor.own_customer_id)

    @property
    def is_own(self) -> bool:
        """Whether the page is for the reader."""
        return self.person.id == self.actor.own_customer_id

    @property
    def for_name(self) -> str | None:
        """For whom the page is, where it could be for somebody else."""
        return " ".join(self.person.name.split()) if len(self.people) > 1 else None

    @property
    def first_name(self) -> str | None:
        """The first part of `for_name`, for buttons."""
        return self.for_name.partition(" ")[0] if self.for_name else None

    @property
    def first_names(self) -> list[str]:
        """The first parts of the names of all for whom the reader may act."""
        return [one.name.partition(" ")[0] for one in self.people]

    @property
    def timezones(self) -> list[str]:
        """The zones of the person's studios."""
        return sorted({one.timezone for one in self.studios})

    def service(self, kind: Callable[..., T]) -> T:
        """Return a service in this call's transaction."""
        return kind(self.db_session, clock=self.clock, pass_types=self.state.pass_types)

    def studio(self) -> Studio | None:
        """Return the studio that ``?studio=`` names, or the first that is open; None where nobody knows the person yet.

        :raises NotFound: for a studio that does not know them.
        """
        slug = request.args.get("studio")
        if slug is None:
            return min(self.studios, key=lambda one: ROLLOUTS.index(one.rollout), default=None)
        found = next((one for one in self.studios if one.slug == slug), None)
        if found is None:
            raise NotFound()
        return found

    def today(self, timezone: str) -> date:
        """Return the date there."""
        return local_date(self.now, timezone=timezone)

    def link(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page of ours, for the same person; a value that is None is left out."""
        if endpoint in OPENED:
            values.setdefault("back", here() if self.route.name in LISTS else came_from())
        person_id = values.pop("person_id", self.person.id)
        if person_id != self.actor.own_customer_id:
            values["for"] = person_id
        return url_for(
            f"{BLUEPRINT}.{endpoint}", **{name: value for name, value in values.items() if value is not None}
        )

    def show(self, template: str, **values: Any) -> Response:
        """Return the page that a template of ours makes; shown again after a refusal, it has the refusal's status."""
        status = self.refusal.status if self.refusal is not None else 200
        return self.answer(template, {**helpers(self), **values}, status=status)

    def go(self, endpoint: str, **values: Any) -> Response:
        """Go on to a page after an action; ``done`` and ``it`` say there what was done, see `strips`."""
        return self.go_to(self.link(endpoint, **values))

    def go_to(self, address: str) -> Response:
        """Go on to an address of ours after an action."""
        return make_response(redirect(address, 303))

    def amount(self, number: int, held: HeldPass | None) -> str:
        """Return so many of what a pass counts, such as ``2 credits``; of a pass that is not known, punches."""
        if held is None:
            return punches(number, language=self.language)
        return amount(number, held=held, pass_types=self.state.pass_types, language=self.language)

    def word_for(self, number: int, held: HeldPass) -> str | None:
        """Return what so many of what a pass counts are called, such as ``credits``; None for punches."""
        return word_for(number, held=held, pass_types=self.state.pass_types, language=self.language)

    def fault(self, name: str) -> str | None:
        """Return what is wrong with a field of the form that was refused, to be said beside it."""
        errors = self.refusal.values["errors"] if isinstance(self.refusal, InvalidRequest) else {}
        return self.language.text(str(errors[name])) if name in errors else None

    def sent(self, action: str, name: str, otherwise: str | None) -> str:
        """Return what was written into a field where that action of the page was refused, else ``otherwise``."""
        failed = self.refusal is not None and self.route.name == action
        return request.form.get(name, "") if failed else otherwise or ""

    def text(self, name: str, *, most: int = 1000) -> str:
        """Return what was written into a field of the form. :raises InvalidRequest: for nothing, or too much."""
        written = request.form.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()
        if not written:
            raise InvalidRequest(errors={name: self.say("Write a few words first.")})
        if len(written) > most:
            raise InvalidRequest(
                errors={name: self.say("Write at most %(n)s characters.", n=self.language.number(most))}
            )
        return written


def view_of(route: Route) -> Callable[..., ResponseReturnValue]:
    """Return the Flask view of a route."""

    def view(**path: Any) -> ResponseReturnValue:
        state = current_state()
        user = state.identity.current_user()
        if user is None:
            return to_login()
        caller, now = Caller(user=user), state.clock()
        try:
            return _answered(route, state, caller, now, path)
        except Stranger:
            welcome(caller, now=now, region=state.settings.default_region)
            return _answered(route, state, caller, now, path)

    return view


def to_page_of(route: Route) -> Callable[..., ResponseReturnValue]:
    """Return the Flask view of an action's address that is opened without its form: it leads to the form's page."""

    def view(**path: Any) -> ResponseReturnValue:
        values = route.of_page(path) | {name: request.args[name] for name in ("for", "back") if name in request.args}
        return redirect(url_for(f"{BLUEPRINT}.{route.page_name}", **values), 303)

    return view


def to_login() -> ResponseReturnValue:
    """Send a visitor to the portal's login."""
    manager = getattr(current_app, "login_manager", None)
    if manager is None:
        abort(401)
    answer: ResponseReturnValue = manager.unauthorized()
    return answer


def _answered(route: Route, state: State, caller: Caller, now: datetime, path: dict[str, Any]) -> ResponseReturnValue:
    def called(db_session: Session, **more: Any) -> Call:
        return _call(route, state, caller, now, db_session, **more)

    try:
        if route.method == "GET":
            with reading() as db_session:
                return route.handle(called(db_session), **path)  # type: ignore[no-any-return]
        request.max_content_length = state.settings.max_body_bytes
        check_form_csrf(request)
        answer: ResponseReturnValue = run_in_transaction(lambda db_session: route.handle(called(db_session), **path))
        return answer
    except StudioError as error:
        refusal = error
    if route.page is not None and not isinstance(refusal, NotFound):
        try:
            with reading() as db_session:
                return route.page(called(db_session, refusal=refusal), **route.of_page(path))  # type: ignore[no-any-return]
        except StudioError as error:
            refusal = error
    with reading() as db_session:
        return called(db_session, refusal=refusal, for_anybody=True).show("refused.html")


def _call(
    route: Route,
    state: State,
    caller: Caller,
    now: datetime,
    db_session: Session,
    *,
    refusal: StudioError | None = None,
    for_anybody: bool = False,
) -> Call:
    """Return the call in its transaction. :raises NotFound: for a person who is none of the reader's."""
    actor = actor_for(db_session, caller, method=request.method, now=now)
    people = [one for one in people_of(db_session, actor) if one.erased_at is None and one.merged_into_id is None]
    by_id = {one.id: one for one in people}
    own = actor.own_customer_id
    wanted = own if for_anybody or "for" not in request.args else read_id(request.args["for"])
    person = None if wanted is None else by_id.get(wanted)
    if person is None or own not in by_id:
        raise NotFound()
    theirs = replace(actor, customer_ids=frozenset({person.id}), roles={})
    return Call(
        state=state,
        route=route,
        actor=actor,
        now=now,
        db_session=db_session,
        language=language_of(by_id[own]),
        person=person,
        people=people,
        studios=known_studios(db_session, theirs),
        refusal=refusal,
    )
