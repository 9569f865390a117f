"""Classes: what is taught, its parts, and the schedule: added one by one or as a series, moved, cancelled."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import url_for

from studio_reservations.admin.class_forms import CancelForm, ClassForm, SeriesForm, SessionForm, StepForm
from studio_reservations.admin.form_conflicts import Merged, fresh, merge
from studio_reservations.admin.screens import Desk, Done, StaffScreen, act, form, page
from studio_reservations.errors import TryAgain
from studio_reservations.models import ClassSession, ClassStep, Role, Studio, StudioClass
from studio_reservations.policies.local_time import local_date, zone
from studio_reservations.policies.recurring import Recurrence
from studio_reservations.services.class_sessions import ClassSessionService, SessionChange
from studio_reservations.services.class_views import (
    classes_of_studio,
    coming_sessions,
    steps_of,
    teachers_of,
    who_is_in,
)
from studio_reservations.services.classes import ClassService
from studio_reservations.services.series import SeriesService, SeriesTerms
from studio_reservations.services.session_terms import current_terms

ENDPOINT = "studio_classes"
ATTEMPTS = 5


class ClassScreen(StaffScreen):
    """The classes of a studio. Managers change them and their sessions."""

    least = Role.MANAGER

    @page(least=Role.MANAGER)
    def index(self, desk: Desk) -> str:
        """List the classes by title."""
        studio = desk.studio()
        query = desk.given.get("q", "").strip()[:200]
        retired = desk.given.get("show") == "retired"
        rows, more = classes_of_studio(
            desk.db_session,
            actor=desk.actor,
            studio=studio,
            query=query,
            active=not retired,
            after=desk.given.get("after"),
            now=desk.now,
        )
        return self.show(
            "classes.html",
            studio=studio,
            studios=desk.studios,
            classes=rows,
            query=query,
            retired=retired,
            after=f"{rows[-1].title}\t{rows[-1].id}" if more else None,
        )

    @form("/new", least=Role.MANAGER)
    def new(self, desk: Desk) -> str | Done:
        """Add a class."""
        studio = desk.studio()
        terms = ClassForm(desk.given, default_capacity=10, default_duration_minutes=60)
        terms.offer(desk.state.pass_types)
        if desk.sent and terms.validate():
            made = desk.service(ClassService).create(studio_id=studio.id, actor=desk.actor, terms=terms.terms())
            return Done(message=f"{made.title} is added. Now give it sessions.", to=self._address(made.id))
        return self.show("class_form.html", desk=desk, studio=studio, terms=terms, studio_class=None)

    @page("/<uuid:class_id>/", least=Role.MANAGER)
    def details(self, desk: Desk, class_id: UUID) -> str:
        """Show a class with its parts and its coming sessions."""
        studio_class = desk.own(StudioClass, class_id)
        studio = desk.db_session.get_one(Studio, studio_class.studio_id)
        names = {one.key: one.label for one in desk.state.pass_types}
        sessions, more = coming_sessions(desk.db_session, class_id=class_id, now=desk.now, after=desk.cursor("after"))
        return self.show(
            "class.html",
            studio=studio,
            studio_class=studio_class,
            pass_types=[names.get(key, key) for key in studio_class.allowed_pass_types or ()],
            steps=steps_of(desk.db_session, class_id),
            sessions=sessions,
            after=sessions[-1] if more else None,
            step_form=StepForm(desk.given),
        )

    @form("/<uuid:class_id>/edit", least=Role.MANAGER)
    def edit(self, desk: Desk, class_id: UUID) -> str | Done:
        """Change what is said of a class."""
        studio_class = fresh(desk, desk.own(StudioClass, class_id))
        terms, saved = ClassForm(desk.given if desk.given else None, obj=studio_class), ClassForm(obj=studio_class)
        terms.offer(desk.state.pass_types, studio_class if not desk.given else None)
        saved.offer(desk.state.pass_types, studio_class)
        merged = merge(
            desk,
            terms,
            saved,
            together=("some_pass_types", "allowed_pass_types"),
            stored={"allowed_pass_types": ClassForm.kinds},
        )
        if desk.sent and terms.validate() and not merged.conflicts:
            changed = desk.service(ClassService).change(class_id=class_id, actor=desk.actor, terms=terms.terms())
            return Done(message=f"{changed.title} is saved.", to=self._address(class_id))
        studio = desk.db_session.get_one(Studio, studio_class.studio_id)
        return self.show(
            "class_form.html", desk=desk, studio=studio, terms=terms, studio_class=studio_class, merged=merged
        )

    @act("/<uuid:class_id>/parts", least=Role.MANAGER)
    def add_part(self, desk: Desk, class_id: UUID) -> Done:
        """Add a part behind the last one."""
        desk.own(StudioClass, class_id)
        terms = StepForm(desk.given).terms()
        step = desk.service(ClassService).add_step(class_id=class_id, actor=desk.actor, terms=terms)
        return Done(message=f"Part {step.position}, {step.title}, is added.", to=self._address(class_id))

    @form("/parts/<uuid:step_id>", least=Role.MANAGER)
    def part(self, desk: Desk, step_id: UUID) -> str | Done:
        """Change a part."""
        step = fresh(desk, desk.own(ClassStep, step_id))
        terms = StepForm(desk.given if desk.given else None, obj=step)
        merged = merge(desk, terms, StepForm(obj=step))
        if desk.sent and terms.validate() and not merged.conflicts:
            desk.service(ClassService).change_step(step_id=step_id, actor=desk.actor, terms=terms.terms())
            return Done(message=f"Part {step.position} is saved.", to=self._address(step.class_id))
        studio_class = desk.db_session.get_one(StudioClass, step.class_id)
        return self.show("class_part.html", desk=desk, step=step, terms=terms, studio_class=studio_class, merged=merged)

    @act("/parts/<uuid:step_id>/remove", least=Role.MANAGER)
    def remove_part(self, desk: Desk, step_id: UUID) -> Done:
        """Remove the last part, as long as it has no session."""
        step = desk.own(ClassStep, step_id)
        class_id, position = step.class_id, step.position
        desk.service(ClassService).remove_step(step_id=step_id, actor=desk.actor)
        return Done(message=f"Part {position} is removed.", to=self._address(class_id))

    @form("/<uuid:class_id>/sessions", least=Role.MANAGER)
    def add_sessions(self, desk: Desk, class_id: UUID) -> str | Done:
        """Add one session or a series of them, after they were looked at."""
        studio_class = desk.own(StudioClass, class_id)
        studio = desk.db_session.get_one(Studio, studio_class.studio_id)
        today = local_date(desk.now, timezone=studio.timezone)
        given = desk.given if desk.given.get("first") else None
        series = SeriesForm(
            given,
            first=today + timedelta(days=1),
            minutes=studio_class.default_duration_minutes,
            capacity=studio_class.default_capacity,
            instructor=studio_class.instructor,
            every=1,
        )
        series.offer(steps_of(desk.db_session, class_id), teachers_of(desk.db_session, studio.id))
        planned = None
        if given is not None and series.validate() and desk.refusal is None:
            terms = _series(series, class_id)
            service = desk.service(SeriesService)
            if desk.sent and desk.given.get("go") == "create":
                made = service.create(terms=terms, actor=desk.actor)
                words = f"{len(made)} sessions are" if len(made) != 1 else "1 session is"
                return Done(message=f"{words} added to {studio_class.title}.", to=self._address(class_id))
            planned = service.preview(terms=terms, actor=desk.actor)
        return self.show(
            "class_sessions.html",
            desk=desk,
            studio=studio,
            studio_class=studio_class,
            series=series,
            planned=planned,
            to_make=sum(one.left_out is None for one in planned or ()),
        )

    @form("/sessions/<uuid:session_id>", least=Role.MANAGER)
    def session(self, desk: Desk, session_id: UUID) -> str | Done:
        """Change one session: its time, its seats, where and with whom."""
        class_session = desk.own(ClassSession, session_id)
        studio = desk.db_session.get_one(Studio, class_session.studio_id)
        for _ in range(ATTEMPTS):
            terms, merged = _session_asked(desk, class_session, studio)
            if not desk.sent or not terms.validate() or merged.conflicts:
                break
            # Not locked: a session is locked after the passes of those who are in it.
            with suppress(TryAgain):  # somebody else was quicker, and what they saved is looked at
                changed = desk.service(ClassSessionService).update_session(
                    session_id=session_id,
                    changes=terms.changes(class_session, timezone=studio.timezone),
                    seen=current_terms(class_session),
                    actor=desk.actor,
                    reason=terms.reason.data or None,
                )
                to = url_for("studio_sessions.roster", session_id=session_id)
                return Done(message=_said_of(changed), to=to)
        else:
            raise TryAgain()
        return self.show(
            "class_session.html",
            desk=desk,
            studio=studio,
            class_session=class_session,
            studio_class=desk.db_session.get_one(StudioClass, class_session.class_id),
            terms=terms,
            merged=merged,
            room=who_is_in(desk.db_session, session_id),
        )

    @form("/sessions/<uuid:session_id>/cancel", least=Role.MANAGER)
    def cancel_session(self, desk: Desk, session_id: UUID) -> str | Done:
        """Cancel a session, after it was said who is told and what comes back."""
        class_session = desk.own(ClassSession, session_id)
        studio = desk.db_session.get_one(Studio, class_session.studio_id)
        studio_class = desk.db_session.get_one(StudioClass, class_session.class_id)
        reason = CancelForm(desk.given)
        if desk.sent and reason.validate():
            done = desk.service(ClassSessionService).cancel_session(
                session_id=session_id, actor=desk.actor, reason=reason.reason.data or None
            )
            back = f"{_counted(done.cancelled, 'reservation')} given back"
            back += f", {_counted(done.punches_refunded, 'punch', 'punches')} returned" if done.punches_refunded else ""
            waived = f", {_counted(done.waived, 'missed class', 'missed classes')} waived" if done.waived else ""
            day = local_date(class_session.starts_at, timezone=studio.timezone)
            return Done(
                message=f"{studio_class.title} is cancelled: {back}{waived}.",
                to=url_for("studio_sessions.index", studio=studio.slug, day=day),
            )
        return self.show(
            "class_session_cancel.html",
            desk=desk,
            studio=studio,
            class_session=class_session,
            studio_class=studio_class,
            reason=reason,
            room=who_is_in(desk.db_session, session_id),
        )

    def _address(self, class_id: UUID) -> str:
        return url_for(f"{ENDPOINT}.details", class_id=class_id)


def _session_asked(desk: Desk, class_session: ClassSession, studio: Studio) -> tuple[SessionForm, Merged]:
    start = class_session.starts_at.astimezone(zone(studio.timezone))
    end = class_session.ends_at.astimezone(zone(studio.timezone))
    when = {"day": start.date(), "at": start.time(), "minutes": int((end - start).total_seconds() // 60)}
    terms = SessionForm(desk.given if desk.given.get("day") else None, obj=class_session, **when)
    saved = SessionForm(obj=class_session, **when)
    for one in (terms, saved):
        one.offer(teachers_of(desk.db_session, studio.id), class_session.instructor_id)
    return terms, merge(desk, terms, saved, but=("reason",), together=("day", "at", "minutes"))


def _said_of(changed: SessionChange) -> str:
    if not changed.moved:
        return "The session is saved."
    told = f"{changed.holders_told} {'person is' if changed.holders_told == 1 else 'people are'} told"
    undone = f", {_counted(changed.check_ins_undone, 'check-in')} taken back" if changed.check_ins_undone else ""
    clash = f", {_counted(changed.conflicts, 'reservation')} to look at" if changed.conflicts else ""
    return f"The session is moved: {told}{undone}{clash}."


def _series(series: Any, class_id: UUID) -> SeriesTerms:
    """Return what the form means. :raises InvalidRequest: for days to skip that are none."""
    return SeriesTerms(
        class_id=class_id,
        recurrence=Recurrence(
            first=datetime.combine(series.first.data, series.at.data),
            rule=series.rule_text(),
            skip=series.skipped(),
        ),
        minutes=series.minutes.data,
        capacity=series.capacity.data,
        location=series.location.data or None,
        instructor=series.instructor.data or None,
        instructor_id=series.chosen(series.instructor_id),
        step_id=series.chosen(series.step_id),
    )


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
