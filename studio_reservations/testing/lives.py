"""Random lives of a pass: whatever is done to it in whatever order, the books hold.

Source: rules.md §2 to §6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studio_reservations.testing.judging import JudgedPassType
from studio_reservations.testing.playing import Life

SESSIONS = st.integers(0, 11)
"""Which of the coming sessions, the next one for 0."""

WHICH = st.integers(0, 4)
"""Which of the reservations made, the latest for 0."""

CORRECTIONS = (
    *("attended", "undo_attended", "undo_check_in", "no_show"),
    *("waive", "waive", "unwaive", "deduct_punch", "refund_punch"),
)


class PassLife(RuleBasedStateMachine):
    """One pass from its issue on: reserved with, cancelled, attended, missed, forgiven, frozen, adjusted."""

    judged: ClassVar[JudgedPassType]
    options: ClassVar[Sequence[Mapping[str, Any]]]

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(self.judged)

    def teardown(self) -> None:
        """Undo the life."""
        self.life.close()

    def has_reservations(self) -> bool:
        """Tell whether there is anything to cancel, attend or miss."""
        return bool(self.life.reservation_ids)

    @initialize(
        number=st.integers(0, 99),
        charged=st.booleans(),
        counted=st.booleans(),
        of_course=st.sampled_from([False, False, True]),
        valid_days=st.sampled_from([None, None, 16]),
        limit=st.sampled_from([..., None, 2]),
        first=st.lists(SESSIONS, min_size=1, max_size=3),
    )
    def issue(
        self,
        number: int,
        charged: bool,
        counted: bool,
        of_course: bool,
        valid_days: int | None,
        limit: Any,
        first: list[int],
    ) -> None:
        """Issue the pass, at a studio with a policy of its own, and reserve the first sessions."""
        self.life.issue(
            self.options[number % len(self.options)],
            of_course=of_course,
            valid_days=valid_days,
            limit=limit,
            deduct_punch_on_no_show=charged,
            deduct_punch_on_late_cancel=charged,
            late_cancel_counts_as_no_show=counted,
        )
        for session in first:
            self.life.reserve(session)

    @rule(session=SESSIONS)
    def reserve(self, session: int) -> None:
        """Ask whether a session may be reserved, then reserve it."""
        self.life.reserve(session)

    @rule(session=SESSIONS, by_staff=st.booleans(), who=st.integers(0, 1))
    def reserve_for_somebody(self, session: int, by_staff: bool, who: int) -> None:
        """Reserve at the desk, or for another member."""
        self.life.reserve(session, by_staff=by_staff, who=who)

    @rule(sessions=st.tuples(SESSIONS, SESSIONS))
    def judge_many(self, sessions: tuple[int, int]) -> None:
        """Judge all coming sessions at once, and some of them alone."""
        self.life.judge_many(*sessions)

    @precondition(has_reservations)
    @rule(which=WHICH, by_staff=st.booleans(), as_customer=st.booleans())
    def cancel(self, which: int, by_staff: bool, as_customer: bool) -> None:
        """Cancel, early or late."""
        self.life.cancel(which, by_staff=by_staff, as_customer=as_customer)

    @precondition(has_reservations)
    @rule(which=WHICH, session=SESSIONS)
    def reschedule(self, which: int, session: int) -> None:
        """Move a reservation to another session."""
        self.life.reschedule(which, session)

    @precondition(has_reservations)
    @rule(which=WHICH, act=st.sampled_from(["check_in", "check_in", "no_show", None]), with_night=st.booleans())
    def hold_class(self, which: int, act: str | None, with_night: bool) -> None:
        """Let the class come for which there is a reservation: they are there, or not, or nobody says."""
        self.life.wait_for_class(which)
        if act is not None:
            self.life.staff_act(which, act)
        if with_night:
            self.life.wait(40)
            self.life.night()

    @precondition(has_reservations)
    @rule(which=WHICH, act=st.sampled_from(CORRECTIONS))
    def correct(self, which: int, act: str) -> None:
        """Take back what was said of a class, forgive a missed one, charge or refund by hand."""
        self.life.staff_act(which, act)

    @rule(hours=st.sampled_from([1, 8, 20, 50]), act=st.sampled_from([None, "night", "freeze"]))
    def wait(self, hours: int, act: str | None) -> None:
        """Let time pass; meanwhile the nightly jobs run, or the pass is frozen."""
        if act == "freeze":
            self.life.freeze()
        self.life.wait(hours)
        if act == "freeze":
            self.life.unfreeze()
        if act == "night":
            self.life.night()

    @rule(delta=st.sampled_from([-2, -1, 1, 3]), confirm=st.booleans())
    def adjust(self, delta: int, confirm: bool) -> None:
        """Give punches or take them away."""
        self.life.adjust(delta, confirm=confirm)

    @invariant()
    def the_books_agree_and_the_pass_can_be_shown(self) -> None:
        """Hold after every step that changed something."""
        if self.life.touched:
            self.life.check()
