"""What happens around every staff screen: recognise, protect, one transaction, and a sentence for what is refused.

A screen is a `StaffScreen` whose methods are marked with `page` (shows), `act` (a button: does, then goes elsewhere) or
`form` (shows, and does when it is sent). Each names the least role it asks for; the tests' access matrix is made from
these marks.
Source: rules.md §10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, flash, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from sqlalchemy.orm import Session

from studio_reservations.admin import once
from studio_reservations.admin.desk import Desk as Desk
from studio_reservations.admin.desk import cursor_of as cursor_of
from studio_reservations.admin.once import Done as Done
from studio_reservations.csrf import check_form_csrf, csrf_token
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import CsrfFailed, Forbidden, InvalidRequest, NotAuthenticated, NotFound, StudioError
from studio_reservations.models import Role
from studio_reservations.policies.local_time import zone
from studio_reservations.sentences import sentence_of, title_of
from studio_reservations.services.staffing import user_actor
from studio_reservations.state import State, current_state

ROOT = Path(__file__).parent.parent
TEMPLATES = "studio_reservations/admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a method of a screen is: where it lies below the screen, how it is called, and who may."""

    rule: str
    kind: str
    least: Role


def page(rule: str = "/", *, least: Role) -> Callable[..., Any]:
    """Mark a method that shows: ``(self, desk, **path)`` returns a page or a response."""

    def read(screen: StaffScreen, method: Callable[..., Any], path: dict[str, Any]) -> Any:
        with reading() as db_session:
            return method(screen, screen.desk(db_session, method), **path)

    return _exposed(rule, "page", least, ("GET",), read)


def act(rule: str, *, least: Role, own_transactions: bool = False) -> Callable[..., Any]:
    """Mark a method that does something at the press of a button and returns `Done`.

    What is refused is said on the page that the button was on.
    """

    def write(screen: StaffScreen, method: Callable[..., Any], path: dict[str, Any]) -> Any:
        check_form_csrf(request)
        try:
            if own_transactions:
                with reading() as db_session:
                    desk = screen.desk(db_session, method)
                return method(screen, replace(desk, session=None, sent=True), **path)
            return run_in_transaction(partial(_once, screen, method, path))
        except (NotFound, Forbidden):
            raise
        except StudioError as refusal:
            if screen.by_script:
                raise
            flash(screen.sentence(refusal), "error")
            return redirect(screen.came_from(), 303)

    return _exposed(rule, "act", least, ("POST",), write)


def form(rule: str, *, least: Role) -> Callable[..., Any]:
    """Mark a method that shows a form and, where ``desk.sent``, does what it says and returns `Done`.

    What is refused shows the form again, with ``desk.refusal`` and everything that was typed; so does a page that was open
    for longer than its token is good.
    """

    def either(screen: StaffScreen, method: Callable[..., Any], path: dict[str, Any]) -> Any:
        refusal: StudioError | None = None
        if request.method == "POST":
            try:
                check_form_csrf(request)
                return run_in_transaction(partial(_once, screen, method, path))
            except (NotFound, Forbidden):
                raise
            except StudioError as error:
                refusal = error
        try:
            with reading() as db_session:
                shown = make_response(method(screen, screen.desk(db_session, method, refusal=refusal), **path))
        except StudioError:
            if isinstance(refusal, CsrfFailed):  # whoever sends no token is told that, and nothing of what they ask for
                raise refusal from None
            raise
        if refusal is not None:
            shown.status_code = refusal.status
        return shown

    return _exposed(rule, "form", least, ("GET", "POST"), either)


class StaffScreen(BaseView):  # type: ignore[misc] # Flask-Admin ships no types
    """One entry of the staff's menu, with the pages below it; nobody sees it who works in no studio."""

    least: Role = Role.FRONT_DESK
    """Who sees it in the menu."""

    def __init__(self, state: State, **options: Any) -> None:
        super().__init__(**options)
        self._state = state

    @classmethod
    def marks(cls) -> dict[str, Mark]:
        """Return what is marked in this screen, by the name of the method."""
        found = ((name, getattr(getattr(cls, name), "mark", None)) for name in dir(cls))
        return {name: mark for name, mark in found if mark is not None}

    def create_blueprint(self, admin: Any) -> Any:
        """Let Flask-Admin look for templates in its own folder and in ours."""
        blueprint = super().create_blueprint(admin)
        blueprint.template_folder = str(ROOT / "templates")
        return blueprint

    def is_accessible(self) -> bool:
        """Tell whether the portal's user has the role in any studio.

        Every page of the portal's admin asks, for its menu: so it reads in the portal's transaction, once for all screens, and
        changes nothing of it.
        """
        return any(role.level >= self.least.level for role in menu_roles(self._state))

    def _handle_view(self, name: str, **kwargs: Any) -> None:
        """Ask nobody here: each method asks for its own role, in its own transaction."""

    def desk(self, db_session: Session, method: Callable[..., Any], **values: Any) -> Desk:
        """Return this request in its transaction. :raises NotFound: for whoever works nowhere. :raises Forbidden:"""
        least: Role = method.mark.least  # type: ignore[attr-defined]
        actor = user_actor(db_session, user_id=g.studio_user.id)
        if not actor.roles:
            raise NotFound()
        if not any(actor.has_role(studio_id, least) for studio_id in actor.roles):
            raise Forbidden(role=least.value)
        return Desk(state=self._state, actor=actor, now=g.studio_now, least=least, session=db_session, **values)

    @property
    def by_script(self) -> bool:
        """Whether a script of ours asks, which wants an answer rather than another page."""
        return request.headers.get("X-Requested-With") == "studio"

    def show(self, template: str, **values: Any) -> str:
        """Return the page made of one of our templates, inside the portal's frame."""
        page_made: str = self.render(f"{TEMPLATES}/{template}", screen=self, now=g.studio_now, **helpers(), **values)
        # Flask-Admin's frame names no language, and a screen reader guesses wrongly without one.
        return page_made.replace("<html>", '<html lang="en">', 1)

    def sentence(self, error: StudioError) -> str:
        """Return what to say of a refusal; where fields are wrong, what is wrong with each."""
        if isinstance(error, InvalidRequest) and error.values.get("errors"):
            return " ".join(str(said) for said in error.values["errors"].values())
        if isinstance(error, CsrfFailed):
            return "This page was open for too long, and nothing was done. Look at it once more, and press again."
        return sentence_of(error, timezone=error.values.get("timezone"))

    def came_from(self) -> str:
        """Return the address of the page that sent the form, if it is one of this portal's, else the screen's first."""
        sent_from = urlsplit(request.referrer or "")
        if sent_from.netloc == request.host and sent_from.path:
            # One slash: a browser takes what begins with two for another host.
            return "/" + sent_from.path.lstrip("/") + (f"?{sent_from.query}" if sent_from.query else "")
        return url_for(f"{self.endpoint}.{self._default_view}")


def blueprints_of(app: Flask) -> list[Blueprint]:
    """Return the blueprints of the staff screens in ``app``, whichever Flask-Admin they are in."""
    views = (view for admin in app.extensions.get("admin", ()) for view in admin._views)
    return [view.blueprint for view in views if isinstance(view, StaffScreen) and view.blueprint is not None]


def menu_roles(state: State) -> frozenset[Role]:
    """Return the roles that the portal's user has in any studio; asked once a request."""
    if "studio_roles" not in g:
        user = state.identity.current_user()
        if user is None:
            g.studio_roles = frozenset()
        else:
            db_session = state.db.session()
            with db_session.no_autoflush:
                g.studio_roles = frozenset(user_actor(db_session, user_id=user.id).roles.values())
    roles: frozenset[Role] = g.studio_roles
    return roles


def helpers() -> dict[str, Any]:
    """Return what every template of ours can call."""
    return {
        "asset": asset,
        "clock_time": lambda instant, timezone: f"{instant.astimezone(zone(timezone)):%H:%M}",
        "day": lambda instant, timezone: _day(instant.astimezone(zone(timezone))),
        "plural": lambda count, one, many=None: f"{count:,} {one if count == 1 else many or one + 's'}",
        "studio_csrf": csrf_token,
        "once": once.number,
        "sentence_of": sentence_of,
    }


def asset(name: str) -> str:
    """Return the address of one of our static files."""
    return url_for("studio_api.static", filename=name)


def _day(value: datetime) -> str:
    return f"{value:%a} {value.day} {value:%b}"


def _once(screen: StaffScreen, method: Callable[..., Any], path: dict[str, Any], db_session: Session) -> Any:
    desk = screen.desk(db_session, method, sent=True)
    do = partial(method, screen, desk, **path)
    return once.done_once(db_session, request, actor=desk.actor, now=desk.now, do=do)


def _exposed(rule: str, kind: str, least: Role, methods: Sequence[str], run: Callable[..., Any]) -> Callable[..., Any]:
    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def view(self: StaffScreen, **path: Any) -> ResponseReturnValue:
            g.studio_now = current_state().clock()
            try:
                g.studio_user = self._state.identity.current_user()
                if g.studio_user is None:
                    return _to_login(self)
                return _answered(self, run(self, method, path))
            except NotFound:
                abort(404)
            except StudioError as refusal:
                return _refused(self, refusal)

        method.mark = view.mark = Mark(rule=rule, kind=kind, least=least)  # type: ignore[attr-defined]
        return expose(rule, methods=methods)(view)  # type: ignore[no-any-return]

    return mark


def _to_login(screen: StaffScreen) -> ResponseReturnValue:
    """Let the portal answer whoever is not logged in, or not any more; a script of ours is told so.

    :raises NotAuthenticated: for a script. :raises NotFound: where the portal has no Flask-Login.
    """
    if screen.by_script:
        raise NotAuthenticated()
    manager = getattr(current_app, "login_manager", None)
    if manager is None:
        raise NotFound()
    answer: ResponseReturnValue = manager.unauthorized()
    return answer


def _answered(screen: StaffScreen, outcome: Any) -> ResponseReturnValue:
    if not isinstance(outcome, Done):
        response = make_response(outcome)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
    if screen.by_script:
        return {"message": outcome.message}
    flash(outcome.message, "success")
    return redirect(outcome.to, 303)


def _refused(screen: StaffScreen, refusal: StudioError) -> Response:
    if screen.by_script:
        return make_response({"code": refusal.code, "message": screen.sentence(refusal)}, refusal.status)
    shown = screen.show("refused.html", title=title_of(refusal), sentence=screen.sentence(refusal))
    return make_response(shown, refusal.status)
