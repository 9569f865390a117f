"""What happens around every endpoint: count, recognise, protect, parse, one transaction, remember, answer.

An endpoint is left with calling one service method and saying what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from studio_reservations.api import idempotency
from studio_reservations.api.answers import Answer, Sent
from studio_reservations.api.languages import remember_locale
from studio_reservations.api.limits import CallLimit
from studio_reservations.api.problems import problem_for
from studio_reservations.api.requests import Input, read_body, read_query
from studio_reservations.api.routes import Endpoint
from studio_reservations.callers import Caller, Stranger, actor_for, caller_of, welcome
from studio_reservations.csrf import check_csrf
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import NotAuthenticated, NotFound, ReservationRefused, StudioError
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.services.actors import Actor, ActorKind, Clock
from studio_reservations.services.directory import timezone_of
from studio_reservations.services.listings import reservation_view
from studio_reservations.state import State, current_state

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: who asks, at what instant, and the transaction in which it is answered."""

    state: State
    caller: Caller | None
    actor: Actor
    now: datetime
    session: Session | None

    @property
    def db_session(self) -> Session:
        """The open transaction; an endpoint with transactions of its own has none here."""
        if self.session is None:
            raise RuntimeError("This endpoint opens its transactions itself.")
        return self.session

    @property
    def clock(self) -> Clock:
        """The clock of this request, which was read once."""
        return lambda: self.now

    @property
    def own_customer_id(self) -> UUID:
        """The customer that the caller is. :raises NotFound: for a studio's token, which is none."""
        if self.actor.own_customer_id is None:
            raise NotFound()
        return self.actor.own_customer_id

    def reservation(self, reservation_id: UUID) -> Any:
        """Return a reservation as it now stands in this transaction, to be shown."""
        self.db_session.flush()
        return reservation_view(self.db_session, reservation_id)

    def service(self, kind: Callable[..., T]) -> T:
        """Return a service in this call's transaction."""
        pass_types: PassTypes = self.state.pass_types
        return kind(self.db_session, clock=self.clock, pass_types=pass_types)


ANYBODY = Actor(kind=ActorKind.USER, id="anybody")
"""Who calls a public endpoint: nobody in particular, who may nothing more."""


def view_of(endpoint: Endpoint, limit: CallLimit) -> Callable[..., Response]:
    """Return the Flask view of an endpoint; whatever it raises is answered as a problem, the portal's handlers see nothing."""

    def view(**path: Any) -> Response:
        try:
            return _answered(endpoint, limit, path).response()
        except Exception as error:
            return problem_for(error).response()

    return view


def _answered(endpoint: Endpoint, limit: CallLimit, path: dict[str, Any]) -> Sent:
    state = current_state()
    caller = None if endpoint.public else caller_of(request, state.identity)
    limit.count(f"address:{request.remote_addr}" if caller is None else caller.key)
    given = _read(endpoint, state, caller)
    now = state.clock()
    try:
        return _worked(endpoint, state, caller, now, given, path)
    except ReservationRefused as refusal:
        _tell_zone(refusal, {**dict(given), **path})
        raise
    except Stranger:
        assert caller is not None  # noqa: S101 - nobody is no stranger
        welcome(caller, now=now, region=state.settings.default_region)
        return _worked(endpoint, state, caller, now, given, path)


def _tell_zone(refusal: ReservationRefused, named: dict[str, Any]) -> None:
    """Let a refusal that speaks of instants know the studio's zone, by what the call named."""
    if not _tells_instants(refusal.values):
        return
    for kind in ("session", "reservation", "registration"):
        if (row_id := named.get(f"{kind}_id")) is not None:
            with reading() as db_session:
                zone_name = timezone_of(db_session, kind=kind, row_id=row_id)
            if zone_name is not None:
                refusal.values.setdefault("timezone", zone_name)
            return


def _tells_instants(value: Any) -> bool:
    if isinstance(value, StudioError):
        return _tells_instants(value.values)
    if isinstance(value, Mapping):
        return any(map(_tells_instants, value.values()))
    return any(map(_tells_instants, value)) if isinstance(value, list | tuple) else isinstance(value, datetime)


def _read(endpoint: Endpoint, state: State, caller: Caller | None) -> Input:
    """Return the parsed input, after it is known that the caller may send any."""
    if caller is None and not endpoint.public:
        raise NotAuthenticated()
    if endpoint.writes:
        if caller is not None and caller.user is not None:
            check_csrf(request)
        # A DELETE takes no body, and one that wants to say something in it must learn that nobody listens.
        body = read_body(request, endpoint.takes if endpoint.takes_body else Input, limit=state.settings.max_body_bytes)
        if endpoint.takes_body:
            read_query(request, Input)
            return body
    return read_query(request, endpoint.takes)


def _worked(
    endpoint: Endpoint, state: State, caller: Caller | None, now: datetime, given: Input, path: dict[str, Any]
) -> Sent:
    def actor_in(db_session: Session) -> Actor:
        if caller is None:
            return ANYBODY
        actor = actor_for(db_session, caller, method=request.method, now=now)
        remember_locale(actor)
        return actor

    def handled(actor: Actor, db_session: Session | None) -> Sent:
        call = Call(state=state, caller=caller, actor=actor, now=now, session=db_session)
        arguments = () if endpoint.takes is Input else (given,)
        answer: Answer = endpoint.handle(call, *arguments, **path)
        return answer.sent()

    def write(db_session: Session) -> Sent:
        actor = actor_in(db_session)
        repeatable = idempotency.retryable(request, actor)
        if repeatable is None:
            return handled(actor, db_session)
        if (before := repeatable.answered(db_session, now=now)) is not None:
            return before
        sent = handled(actor, db_session)
        repeatable.remember(db_session, sent, now=now)
        return sent

    if not endpoint.writes:
        with reading() as db_session:
            return handled(actor_in(db_session), db_session)
    if not endpoint.own_transactions:
        return run_in_transaction(write)

    with reading() as db_session:
        actor = actor_in(db_session)
    return _in_own_transactions(actor, now, lambda: handled(actor, None))


def _in_own_transactions(actor: Actor, now: datetime, work: Callable[[], Sent]) -> Sent:
    """Do work that commits by itself and remember its answer after the last; done twice at once, the first answer stands."""
    repeatable = idempotency.retryable(request, actor)
    if repeatable is None:
        return work()

    def settled(answer: Sent | None) -> Sent | None:
        """Return the answer that was given before, or store this one."""

        def settle(db_session: Session) -> Sent | None:
            before = repeatable.answered(db_session, now=now)
            if before is None and answer is not None:
                repeatable.remember(db_session, answer, now=now)
            return before

        return run_in_transaction(settle)

    if (before := settled(idempotency.AT_WORK)) is not None:
        return before
    try:
        sent = work()
    except Exception:
        settled(None)
        raise
    return settled(sent) or sent
