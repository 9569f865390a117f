"""Every refusal the product can give: a permanent code, an HTTP status and public values; the sentences are in `sentences`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class StudioError(Exception):
    """An answer with a permanent ``code``; its ``values`` are public and fill the sentence of the catalogue.

    Source: api.md, Errors.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    sentence: ClassVar[str | None] = None
    """A plugin's own sentence in English, filled by ``values``; the built-in codes have theirs in the catalogue."""
    translations: Mapping[str, Mapping[str, str]] = {}
    """A plugin's words in other languages, by language and English text; given when its refusal passes the registry."""

    def __init__(self, **values: Any) -> None:
        super().__init__(self.code, values)
        self.values = values

    def __str__(self) -> str:
        return f"{self.code} {self.values}" if self.values else self.code


class ReservationRefused(StudioError):
    """A refusal that the customer or staff can act on; never a bug. Plugins subclass it for refusals of their own."""

    status = 409


# rules.md §3, in the order in which they are judged.


class ReservationsDisabled(ReservationRefused):
    code = "reservations_disabled"


class RegistrationInactive(ReservationRefused):
    """``state``: FROZEN or CANCELLED."""

    code = "registration_inactive"


class PassTypeUnavailable(ReservationRefused):
    """``pass_type``: the plugin's key. The cause is logged, and shown to staff only."""

    code = "pass_type_unavailable"


class ClassNotCovered(ReservationRefused):
    """``class_title``."""

    code = "class_not_covered"


class SessionCancelled(ReservationRefused):
    code = "session_cancelled"


class SessionStarted(ReservationRefused):
    """``starts_at``."""

    code = "session_started"


class PassNotYetValid(ReservationRefused):
    """``valid_from``: studio-local date."""

    code = "pass_not_yet_valid"


class PassExpired(ReservationRefused):
    """``valid_until``: studio-local date, the last day that is covered."""

    code = "pass_expired"


class CustomerSuspended(ReservationRefused):
    """``ends_on``: the last suspended local date; ``no_shows``: how many built it, or None for a manual one."""

    code = "customer_suspended"


class AlreadyReserved(ReservationRefused):
    """``reservation_id``: the live one, where it is known."""

    code = "already_reserved"


class AdvanceLimitReached(ReservationRefused):
    """``limit`` and ``used``: upcoming reservations of this pass."""

    code = "advance_limit_reached"


class SessionFull(ReservationRefused):
    """``capacity``."""

    code = "session_full"


class NoUsablePass(ReservationRefused):
    """``passes``: a list of ``{"registration_id", "pass_type", "code", "detail"}``, empty where the customer holds none."""

    code = "no_usable_pass"


# rules.md §4: refusals of the built-in pass types.


class PunchesExhausted(ReservationRefused):
    """``remaining`` punches on the pass and how many of them are ``held`` for other reservations."""

    code = "punches_exhausted"


class StepAlreadyReserved(ReservationRefused):
    """``step``: the part's position; ``starts_at`` and ``state`` of the live reservation."""

    code = "step_already_reserved"


class SequenceNotMet(ReservationRefused):
    """``step``: the part asked for; ``missing``: the earliest part it waits for, and ``starts_at`` of its reservation or None.

    ``missed_at``: when that part's session was that was missed, or None.
    ``rule``: attended, where the earlier part must have been attended, or reserved, where it must be on an earlier day.
    """

    code = "sequence_not_met"


class MakeupRequired(ReservationRefused):
    """``step``; ``makeup_for_id``: the missed reservation to name."""

    code = "makeup_required"


class MakeupNotAllowed(ReservationRefused):
    """``step``, where known."""

    code = "makeup_not_allowed"


# rules.md §2, §5, §6: changing what exists.


class InvalidTransition(ReservationRefused):
    """``state``: what it is now; ``action``: what was asked."""

    code = "invalid_transition"


class CancellationNotFree(ReservationRefused):
    """``free_until``, ``punches``: what a cancellation now would cost."""

    code = "cancellation_not_free"


class CapacityBelowTaken(ReservationRefused):
    """``capacity`` asked for and seats ``taken``."""

    code = "capacity_below_taken"


class SessionNotStarted(ReservationRefused):
    """``starts_at``."""

    code = "session_not_started"


class SessionEnded(ReservationRefused):
    """``ends_at``."""

    code = "session_ended"


class TimeConflict(ReservationRefused):
    """``field``: what was changed by somebody else in between, or clashes."""

    code = "time_conflict"


class PunchesHeld(ReservationRefused):
    """An adjustment to a ``balance`` below what is ``held``; ``reservations`` are those it endangers.

    Sent again with ``confirm`` it is made.
    """

    code = "punches_held"


class ExplanationClosed(ReservationRefused):
    code = "explanation_closed"


class AlreadyExplained(ReservationRefused):
    code = "already_explained"


class LastOwner(ReservationRefused):
    code = "last_owner"


class AlreadySuspended(ReservationRefused):
    """``ends_on``."""

    code = "already_suspended"


# rules.md §7: checking in.


class CheckInTooEarly(ReservationRefused):
    """``opens_at``, ``closes_at``."""

    code = "check_in_too_early"


class CheckInTooLate(ReservationRefused):
    """``opens_at``, ``closes_at``."""

    code = "check_in_too_late"


class NotClassDay(ReservationRefused):
    """``opens_at``, ``closes_at``: the bounds of the class day."""

    code = "not_class_day"


class SelfCheckInOff(ReservationRefused):
    code = "self_check_in_off"


class CodeInvalid(ReservationRefused):
    code = "code_invalid"


class CodeExpired(ReservationRefused):
    code = "code_expired"


# api.md: the request itself.


class InvalidRequest(StudioError):
    """``errors``: ``{field: sentence}``."""

    code = "invalid_request"
    status = 422


class InvalidCursor(StudioError):
    code = "invalid_cursor"
    status = 422


class OverrideNotAllowed(StudioError):
    """``rules``: the codes that may not be overridden by this role."""

    code = "override_not_allowed"
    status = 422


class ReasonRequired(StudioError):
    code = "reason_required"
    status = 422


class IdempotencyKeyReused(StudioError):
    code = "idempotency_key_reused"
    status = 422


class IdempotencyInProgress(StudioError):
    code = "idempotency_in_progress"
    status = 409


class MalformedJson(StudioError):
    code = "malformed_json"
    status = 400


class NotAuthenticated(StudioError):
    code = "not_authenticated"
    status = 401


class Forbidden(StudioError):
    """``role``: the least role that may."""

    code = "forbidden"
    status = 403


class CsrfFailed(StudioError):
    code = "csrf_failed"
    status = 403


class NotFound(StudioError):
    """Unknown, or somebody else's: the two answers are the same."""

    code = "not_found"
    status = 404


class MethodNotAllowed(StudioError):
    code = "method_not_allowed"
    status = 405


class PayloadTooLarge(StudioError):
    """``limit``: bytes."""

    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(StudioError):
    code = "unsupported_media_type"
    status = 415


class RateLimited(StudioError):
    """``retry_after``: seconds."""

    code = "rate_limited"
    status = 429


class InternalError(StudioError):
    """``reference``: to be found in the log; nothing of the inside."""

    code = "internal_error"
    status = 500


class TryAgain(StudioError):
    code = "try_again"
    status = 503


def error_classes() -> dict[str, type[StudioError]]:
    """Return every built-in error by its code."""
    return {
        value.code: value
        for value in globals().values()
        if isinstance(value, type) and issubclass(value, StudioError) and value not in (StudioError, ReservationRefused)
    }
