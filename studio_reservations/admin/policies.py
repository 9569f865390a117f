"""Policies: the studio's and its classes', with what would have happened before one is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request, url_for

from studio_reservations.admin import policy_words
from studio_reservations.admin.policy_form import FIELDS, SECTIONS, Number, PolicyForm, as_typed, policy_form
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form, page
from studio_reservations.models import Role, Studio, StudioClass
from studio_reservations.services.class_views import classes_of_studio
from studio_reservations.services.policies import (
    Field,
    class_policies,
    policy_changed_at,
    policy_for,
    put_policy,
)
from studio_reservations.services.replaying import Comparison, what_would_have_happened

SENT = "sent"
"""A field of the form that is always sent: an unticked box is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A policy on the desk: whose it is, how it is saved, and what is typed."""

    studio: Studio
    studio_class: StudioClass | None
    saved: Mapping[str, Field]
    of_studio: Mapping[str, Field]
    form: PolicyForm
    seen: str

    @property
    def class_id(self) -> UUID | None:
        """The class, or None for the studio's own."""
        return None if self.studio_class is None else self.studio_class.id

    @property
    def values(self) -> dict[str, Any]:
        """What would be saved."""
        return self.form.values(self.saved)

    def was(self, name: str) -> str:
        """Return what is saved, in words; for a class what it inherits too."""
        if self.form.of_class and self.saved[name].source != "class":
            return "was as the studio"
        one, value = FIELDS[name], self.saved[name].value
        return f"was {value:,}" if isinstance(one, Number) and value is not None else f"was {one.said(value)}"

    def typed_before(self, name: str) -> str:
        """Return what the field holds where nothing is changed."""
        return as_typed(self.saved, of_class=self.form.of_class)[name]

    def is_changed(self, name: str) -> bool:
        """Return whether something else is typed than is saved."""
        data = self.form[name].data
        return ("y" if data is True else data or "") != self.typed_before(name)

    def inherited(self, name: str) -> str:
        """Return what a class has where it leaves the field empty."""
        return FIELDS[name].said(self.of_studio[name].value)


class PolicyScreen(StaffScreen):
    """What a missed class, a late cancellation and the door are like here. The desk has no part in it."""

    least = Role.MANAGER

    @page(least=Role.MANAGER)
    def index(self, desk: Desk) -> str:
        """Show the studio's policy in sentences, which classes have their own, and the others to be found by title."""
        studio = desk.studio()
        query = desk.given.get("q", "").strip()[:200]
        fields = policy_for(desk.db_session, actor=desk.actor, studio_id=studio.id)
        own = class_policies(desk.db_session, actor=desk.actor, studio_id=studio.id)
        classes, more = classes_of_studio(
            desk.db_session,
            actor=desk.actor,
            studio=studio,
            query=query,
            active=True,
            after=desk.given.get("after"),
            now=desk.now,
        )
        return self.show(
            "policies.html",
            studio=studio,
            studios=desk.studios,
            sentences=policy_words.sentences(fields),
            own=[(one, policy_words.differences(one.own, fields)) for one in own],
            following=[one for one in classes if one.id not in {each.class_id for each in own}],
            query=query,
            after=f"{classes[-1].title}\t{classes[-1].id}" if more else None,
        )

    @form("/studio", least=Role.MANAGER)
    def studio(self, desk: Desk) -> str | Done:
        """Show the studio's policy beside what would have happened, and save it."""
        return self._policy(desk, desk.studio(), None)

    @form("/classes/<uuid:class_id>", least=Role.MANAGER)
    def of_class(self, desk: Desk, class_id: UUID) -> str | Done:
        """Show the policy of a class beside what would have happened, and save it."""
        studio_class = desk.own(StudioClass, class_id)
        return self._policy(desk, desk.db_session.get_one(Studio, studio_class.studio_id), studio_class)

    @form("/classes/<uuid:class_id>/remove", least=Role.MANAGER)
    def remove(self, desk: Desk, class_id: UUID) -> str | Done:
        """Let a class follow the studio again."""
        studio_class = desk.own(StudioClass, class_id)
        studio = desk.db_session.get_one(Studio, studio_class.studio_id)
        if desk.sent:
            self._put(desk, studio, class_id, {})
            return Done(
                message=f"{studio_class.title} follows the studio’s policy.",
                to=url_for(f"{self.endpoint}.index", studio=studio.slug),
            )
        draft = _draft(desk, studio, studio_class)
        own = {name: one.value for name, one in draft.saved.items() if one.source == "class"}
        return self.show(
            "policy_remove.html",
            desk=desk,
            studio=studio,
            studio_class=studio_class,
            differences=policy_words.differences(own, draft.of_studio),
        )

    def _policy(self, desk: Desk, studio: Studio, studio_class: StudioClass | None) -> str | Done:
        draft = _draft(desk, studio, studio_class)
        valid = SENT not in desk.given or draft.form.validate()
        overtaken = desk.sent and desk.given.get("seen") != draft.seen
        if desk.sent and valid and not overtaken:
            self._put(desk, studio, draft.class_id, draft.values)
            whose = studio_class.title if studio_class is not None else studio.name
            return Done(
                message=f"The policy of {whose} is saved. What is reserved already keeps its terms.",
                to=url_for(f"{self.endpoint}.index", studio=studio.slug),
            )
        terms: dict[str, Any] = {
            "draft": draft,
            "found": self._replayed(desk, draft) if valid else None,
            "words": policy_words,
            "studio": studio,
            "studio_class": studio_class,
        }
        if self.by_script:
            return self.show("policy_replay.html", **terms)
        policies = class_policies(desk.db_session, actor=desk.actor, studio_id=studio.id)
        own = [one.title for one in policies if studio_class is None]
        here = request.base_url if studio_class is not None else url_for(f"{self.endpoint}.studio", studio=studio.slug)
        return self.show("policy.html", desk=desk, sections=SECTIONS, own=own, overtaken=overtaken, here=here, **terms)

    def _replayed(self, desk: Desk, draft: Draft) -> Comparison:
        return what_would_have_happened(
            desk.db_session,
            studio_id=draft.studio.id,
            class_id=draft.class_id,
            values=draft.values,
            actor=desk.actor,
            now=desk.now,
            pass_types=desk.state.pass_types,
        )

    def _put(self, desk: Desk, studio: Studio, class_id: UUID | None, values: Mapping[str, Any]) -> None:
        put_policy(
            desk.db_session, studio_id=studio.id, class_id=class_id, values=values, actor=desk.actor, now=desk.now
        )


def _draft(desk: Desk, studio: Studio, studio_class: StudioClass | None) -> Draft:
    class_id = None if studio_class is None else studio_class.id
    terms: dict[str, Any] = {"actor": desk.actor, "studio_id": studio.id}
    of_studio = policy_for(desk.db_session, **terms)
    saved = of_studio if class_id is None else policy_for(desk.db_session, class_id=class_id, **terms)
    changed_at = policy_changed_at(desk.db_session, studio_id=studio.id, class_id=class_id)
    return Draft(
        studio=studio,
        studio_class=studio_class,
        saved=saved,
        of_studio=of_studio,
        form=policy_form(
            desk.given if SENT in desk.given else None, saved=saved, studio=None if class_id is None else of_studio
        ),
        seen="" if changed_at is None else changed_at.isoformat(),
    )
