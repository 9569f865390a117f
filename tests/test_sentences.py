"""What people read: what is so, then why, then what to do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import product
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_reservations import errors
from studio_reservations.errors import ReservationRefused, StudioError, error_classes
from studio_reservations.language import language_for
from studio_reservations.sentences import sentence_of, title_of
from studio_reservations.wording import CATALOGUE, NAMED_VARIANTS, OF_SOMEBODY

TORONTO = "America/Toronto"
HALF_PAST_SIX = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)  # Thu 26 November, 18:30 in Toronto
LAST_OF_DECEMBER = date(2026, 12, 31)


def test_the_sentence_of_the_api_documentation() -> None:
    refused = errors.AdvanceLimitReached(limit=3, used=3)

    assert title_of(refused) == "Advance limit reached"
    assert sentence_of(refused) == (
        "You can hold 3 upcoming reservations and have 3. Come to one or cancel one, and a place opens."
    )


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            errors.AdvanceLimitReached(limit=1, used=1),
            "You can hold 1 upcoming reservation and have 1. Come to one or cancel one, and a place opens.",
        ),
        (
            errors.RegistrationInactive(state="FROZEN"),
            "This pass is frozen. It can be used again when the studio unfreezes it. Ask the studio, or choose another pass.",
        ),
        (
            errors.RegistrationInactive(state="CANCELLED"),
            "This pass is cancelled. It can no longer be used. Ask the studio, or choose another pass.",
        ),
        (
            errors.ClassNotCovered(class_title="Raku firing day"),
            "Your passes do not cover Raku firing day. Ask the studio for a pass that does.",
        ),
        (
            errors.SessionStarted(starts_at=HALF_PAST_SIX),
            (
                "This session began at 18:30. It can no longer be reserved or changed here. "
                "At the studio already? Ask at the desk."
            ),
        ),
        (
            errors.PassNotYetValid(valid_from=date(2026, 12, 1)),
            "This pass starts on Tue 1 December. Choose a session from that day on.",
        ),
        (
            errors.PassExpired(valid_until=LAST_OF_DECEMBER),
            "This pass ends on Thu 31 December, before this session. Choose an earlier day or another pass.",
        ),
        (
            errors.CustomerSuspended(ends_on=date(2026, 12, 4), no_shows=3),
            (
                "New reservations are paused through Fri 4 December. 3 classes were missed. "
                "What you hold stays. Ask the studio if that is wrong."
            ),
        ),
        (
            errors.CustomerSuspended(ends_on=date(2026, 12, 4), no_shows=1),
            (
                "New reservations are paused through Fri 4 December. 1 class was missed. "
                "What you hold stays. Ask the studio if that is wrong."
            ),
        ),
        (
            errors.CustomerSuspended(ends_on=date(2026, 12, 4), no_shows=None),
            "New reservations are paused through Fri 4 December. What you hold stays. Ask the studio if that is wrong.",
        ),
        (errors.SessionFull(capacity=8), "All 8 seats are taken. Choose another session."),
        (errors.SessionFull(capacity=1), "The only seat is taken. Choose another session."),
        (errors.SessionFull(capacity=0), "This session has no seats. Choose another session."),
        (errors.NoUsablePass(passes=[]), "You hold no pass at this studio. Ask the studio for one."),
        (
            errors.NoUsablePass(passes=[{}, {}]),
            "None of your 2 passes can be used for this session. See why for each, or ask the studio for another.",
        ),
        (
            errors.PunchesExhausted(remaining=2, held=2),
            "Your 2 remaining punches are held for other days. Cancel one of those, or ask for a new pass.",
        ),
        (
            errors.PunchesExhausted(remaining=1, held=1),
            "Your last punch is held for another day. Cancel that one, or ask for a new pass.",
        ),
        (
            errors.PunchesExhausted(remaining=0, held=0),
            "No punches are left on this pass. Ask for a new pass, or choose another.",
        ),
        (
            errors.StepAlreadyReserved(step=2, starts_at=HALF_PAST_SIX, state="PENDING"),
            "You already hold part 2, on Thu 26 November. To change the day, move that one.",
        ),
        (
            errors.StepAlreadyReserved(step=2, starts_at=HALF_PAST_SIX, state="ATTENDED"),
            "You went to part 2 on Thu 26 November. Each part is taken once. Choose another part.",
        ),
        (
            errors.SequenceNotMet(step=3, missing=2, starts_at=HALF_PAST_SIX, rule="attended"),
            "Part 3 opens when you have been to part 2. Yours is on Thu 26 November.",
        ),
        (
            errors.SequenceNotMet(step=3, missing=2, starts_at=None, missed_at=None, rule="attended"),
            "Part 3 opens when you have been to part 2. Reserve that one first.",
        ),
        (
            errors.SequenceNotMet(step=3, missing=2, starts_at=None, missed_at=HALF_PAST_SIX, rule="attended"),
            ("Part 3 opens when you have been to part 2, which was missed on Thu 26 November. Make that one up first."),
        ),
        (
            errors.SequenceNotMet(step=3, missing=2, starts_at=None, missed_at=HALF_PAST_SIX, rule="reserved"),
            "Part 3 comes after part 2, which was missed on Thu 26 November. Make that one up first.",
        ),
        (
            errors.SequenceNotMet(step=3, missing=2, starts_at=None, rule="reserved"),
            "Part 3 comes after part 2. Reserve that one first.",
        ),
        (
            errors.InvalidTransition(state="AUTO_CANCELLED", action="check_in"),
            "This is cancelled automatically now, so that cannot be done. Reload to see how it stands.",
        ),
        (
            errors.CancellationNotFree(free_until=HALF_PAST_SIX, punches=1),
            (
                "Free cancellation ended on Thu 26 November, 18:30. Cancelling now costs 1 punch. "
                "Confirm that, or keep the reservation."
            ),
        ),
        (
            errors.CancellationNotFree(free_until=HALF_PAST_SIX, punches=0),
            (
                "Free cancellation ended on Thu 26 November, 18:30. Cancelling now counts as late. "
                "Confirm that, or keep the reservation."
            ),
        ),
        (
            errors.CapacityBelowTaken(capacity=5, taken=8),
            "8 seats are taken, more than 5. Choose at least 8, or cancel reservations first.",
        ),
        (
            errors.PunchesHeld(reservations=["a"]),
            "1 reservation needs the punches you take away. Look at the list and confirm, or take fewer.",
        ),
        (
            errors.CheckInTooEarly(opens_at=HALF_PAST_SIX, closes_at=HALF_PAST_SIX),
            "Check-in opens on Thu 26 November, 18:30. Come back then, or ask at the desk.",
        ),
        (
            errors.NotClassDay(opens_at=HALF_PAST_SIX, closes_at=HALF_PAST_SIX),
            "The class is on Thu 26 November. Check in on that day; staff can override it with a reason.",
        ),
        (
            errors.InvalidRequest(errors={"session_id": "Required.", "colour": "Unknown."}),
            "2 values cannot be used: session_id, colour. Correct what is named and send it again.",
        ),
        (
            errors.OverrideNotAllowed(rules=["session_full", "pass_expired"]),
            (
                "This cannot be overridden here: Session full, Pass ends before this session. "
                "Leave it out, or ask somebody with another role."
            ),
        ),
        (
            errors.Forbidden(role="front_desk"),
            "This takes the role front desk at this studio. Ask somebody who has it.",
        ),
        (
            errors.PayloadTooLarge(limit=65_536),
            "What was sent is larger than 65,536 bytes. Send less at once.",
        ),
        (errors.RateLimited(retry_after=1), "Too many requests at once. Wait 1 second, then try again."),
    ],
    ids=lambda value: value.code if isinstance(value, StudioError) else "",
)
def test_values_fill_the_sentence(error: StudioError, sentence: str) -> None:
    assert sentence_of(error, timezone=TORONTO) == sentence


@pytest.mark.parametrize(
    ("instant", "timezone", "shown"),
    [
        (HALF_PAST_SIX, TORONTO, "Thu 26 November, 18:30"),
        (HALF_PAST_SIX, "Pacific/Apia", "Fri 27 November, 12:30"),
        (HALF_PAST_SIX, "UTC", "Thu 26 November, 23:30 UTC"),
        (HALF_PAST_SIX, None, "Thu 26 November, 23:30 UTC"),
        (HALF_PAST_SIX, "No/Such_Zone", "Thu 26 November, 23:30 UTC"),
        (HALF_PAST_SIX, "../../etc/passwd", "Thu 26 November, 23:30 UTC"),
        (datetime(2026, 11, 26, 18, 30), TORONTO, "Thu 26 November, 18:30"),  # noqa: DTZ001
    ],
)
def test_instants_are_shown_on_the_studios_clock(instant: datetime, timezone: str | None, shown: str) -> None:
    sentence = sentence_of(errors.SessionNotStarted(starts_at=instant), timezone=timezone)

    assert sentence == f"This session begins on {shown}. That can be done from then on."


@pytest.mark.parametrize("code", error_classes())
def test_every_code_has_a_title_and_without_any_value_a_whole_sentence(code: str) -> None:
    error = error_classes()[code]()

    assert title_of(error) == CATALOGUE[code].title
    assert re.fullmatch(r"[A-Z][^{}#|]+\.", sentence_of(error))


def test_the_catalogue_holds_no_other_code() -> None:
    assert {key.partition(".")[0] for key in CATALOGUE} == set(error_classes())
    assert {key.partition(".")[0] for key in CATALOGUE if "." in key} == set(NAMED_VARIANTS)


@pytest.mark.parametrize("key", CATALOGUE)
def test_the_sentences_keep_the_voice(key: str) -> None:
    title, variants = CATALOGUE[key]

    assert not title.endswith(".")
    for text in (title, *variants):
        assert not re.search(r"\b(sorry|please|booking|unfortunately)\b", text, re.IGNORECASE)
        assert not re.search(r"[a-z]_[a-z]", re.sub(r"\{\w+", "", text))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            errors.PunchesExhausted(remaining=2, held=2),
            "The 2 remaining punches are held for other days. Cancel one of those, or ask for a new pass.",
        ),
        (
            errors.AdvanceLimitReached(limit=3, used=3),
            "Nora can hold 3 upcoming reservations and has 3. Come to one or cancel one, and a place opens.",
        ),
        (errors.AlreadyReserved(), "Nora already has a seat in this session. See the reservation."),
        (
            errors.SequenceNotMet(step=3, missing=2, starts_at=HALF_PAST_SIX, rule="reserved"),
            "Part 3 comes after part 2. Nora has that one on Thu 26 November. Choose a session after that.",
        ),
        (errors.SessionFull(capacity=8), "All 8 seats are taken. Choose another session."),
    ],
    ids=lambda value: value.code if isinstance(value, StudioError) else "",
)
def test_who_acts_for_somebody_reads_of_them_by_name(error: StudioError, sentence: str) -> None:
    assert sentence_of(error, timezone=TORONTO, person="Nora") == sentence


@pytest.mark.parametrize(("key", "variants"), OF_SOMEBODY.items(), ids=OF_SOMEBODY)
def test_what_is_said_of_somebody_says_it_to_nobody(key: str, variants: tuple[str, ...]) -> None:
    assert key in CATALOGUE
    for variant in variants:
        assert not re.search(r"\b(you|your|yours)\b", variant, re.IGNORECASE)
        names = {name for _, name, _, _ in Formatter().parse(variant) if name}
        known = {name for said in CATALOGUE[key].variants for _, name, _, _ in Formatter().parse(said) if name}
        assert names <= known | {"name"}


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_variant_can_be_filled(key: str) -> None:
    code = key.partition(".")[0]
    values: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(("starts_at", "ends_at", "opens_at", "closes_at", "free_until", "missed_at"), (HALF_PAST_SIX,)),
        **dict.fromkeys(("valid_from", "valid_until", "ends_on"), (LAST_OF_DECEMBER,)),
        **dict.fromkeys(("passes", "reservations", "rules"), ([], ["x"], ["x", "y"])),
        **dict.fromkeys(("class_title", "role", "reference", "state", "rule"), ("front_desk",)),
        "errors": ({"field": "wrong"},),
    }
    for variant in CATALOGUE[key].variants:
        names = sorted({name for _, name, _, _ in Formatter().parse(variant) if name})
        for chosen in product(*(values.get(name, (0, 1, 2)) for name in names)):
            filled = sentence_of(_with(code, variant)(**dict(zip(names, chosen, strict=True))), timezone=TORONTO)
            assert re.fullmatch(r"[A-Z0-9][^{}#|]+\.", filled)
            assert filled != "This pass cannot be used for this session. Ask the studio, or choose another pass."


def _with(code: str, sentence: str) -> type[StudioError]:
    return type("OneVariant", (StudioError,), {"code": code, "sentence": sentence})


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            errors.AdvanceLimitReached(limit=1, used=0),
            "Vous pouvez avoir 1 réservation à venir et en avez 0. {}".format(
                "Venez à l’une ou annulez-en une, et une place se libère."
            ),
        ),
        (
            errors.AdvanceLimitReached(limit=3, used=3),
            "Vous pouvez avoir 3 réservations à venir et en avez 3. {}".format(
                "Venez à l’une ou annulez-en une, et une place se libère."
            ),
        ),
        (
            errors.AdvanceLimitReached(limit=0, used=0),
            "Vous pouvez avoir 0 réservation à venir et en avez 0. {}".format(
                "Venez à l’une ou annulez-en une, et une place se libère."
            ),
        ),
        (
            errors.CheckInTooEarly(opens_at=HALF_PAST_SIX, closes_at=HALF_PAST_SIX),
            (
                "L’arrivée peut être confirmée à partir du jeu. 26 novembre, 18:30. "
                "Revenez à ce moment, ou demandez à l’accueil."
            ),
        ),
        (
            errors.PassNotYetValid(valid_from=date(2026, 12, 1)),
            "Ce forfait commence le mar. 1er décembre. Choisissez une séance à partir de ce jour.",
        ),
        (
            errors.Forbidden(role="front_desk"),
            "Ceci demande le rôle «\u00a0accueil\u00a0» dans ce studio. Adressez-vous à quelqu’un qui l’a.",
        ),
        (errors.PayloadTooLarge(limit=65_536), "L’envoi dépasse 65\u202f536 octets. Envoyez moins à la fois."),
    ],
    ids=lambda value: value.code if isinstance(value, StudioError) else "",
)
def test_sentences_are_french_with_their_dates_plurals_and_numbers(error: StudioError, sentence: str) -> None:
    assert sentence_of(error, timezone=TORONTO, language=language_for("fr")) == sentence


@pytest.mark.parametrize("code", error_classes())
def test_every_code_has_a_french_title_and_sentence(code: str) -> None:
    error, french = error_classes()[code](), language_for("fr-CA")

    assert title_of(error, language=french) not in ("", title_of(error))
    assert re.fullmatch(r"[A-ZÀÉ][^{}#|]+\.", sentence_of(error, language=french))
    assert sentence_of(error, language=french) != sentence_of(error)


COUNTS = st.integers(-1, 10**7)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LISTS = st.lists(st.sampled_from(sorted(error_classes())), max_size=3)
VALUES = {
    **dict.fromkeys(("starts_at", "ends_at", "opens_at", "closes_at", "free_until"), INSTANTS),
    **dict.fromkeys(("valid_from", "valid_until", "ends_on"), st.dates(date(2000, 1, 1), date(2100, 1, 1))),
    **dict.fromkeys(("passes", "reservations", "rules"), LISTS),
    **dict.fromkeys(("class_title", "role", "reference", "state", "rule"), st.text("abcé ", max_size=9)),
    "errors": st.dictionaries(st.text("abc", min_size=1), st.just("wrong"), max_size=3),
}


@given(data=st.data(), key=st.sampled_from(sorted(CATALOGUE)), tag=st.sampled_from(["en", "fr"]))
def test_no_placeholder_is_left_whatever_the_values(data: st.DataObject, key: str, tag: str) -> None:
    code, _, named = key.partition(".")
    names = {name for text in CATALOGUE[key].variants for _, name, _, _ in Formatter().parse(text) if name}
    values = {name: data.draw(st.none() | VALUES.get(name, COUNTS), label=name) for name in sorted(names)}
    if named:
        values[NAMED_VARIANTS[code]] = named

    said = sentence_of(error_classes()[code](**values), timezone=TORONTO, language=language_for(tag))

    assert not re.search(r"[{}#|]", said)
    assert said.endswith(".")


@given(
    code=st.sampled_from(sorted(error_classes())),
    odd=st.one_of(
        st.none(), st.text(), st.integers(), st.floats(), st.binary(), st.lists(st.none()), st.just(object())
    ),
)
def test_odd_values_never_raise(code: str, odd: Any) -> None:
    names = re.findall(r"\{(\w+)", " ".join(variant for wording in CATALOGUE.values() for variant in wording.variants))

    assert sentence_of(error_classes()[code](**dict.fromkeys(names, odd)), timezone=TORONTO)


# A plugin's own.


class KilnNotCooled(ReservationRefused):
    code = "kiln_not_cooled"
    sentence = "The kiln cools until {ready_on}, and {pots:# pot is|# pots are} in it. It is {heat:.1f} degrees hot."


def test_a_plugins_own_sentence_is_filled_in_the_same_way() -> None:
    refused = KilnNotCooled(ready_on=LAST_OF_DECEMBER, pots=2, heat=99.55)

    assert title_of(refused) == "Kiln not cooled"
    assert sentence_of(refused) == "The kiln cools until Thu 31 December, and 2 pots are in it. It is 99.5 degrees hot."


@pytest.mark.parametrize(
    "sentence",
    [
        None,
        "{ready_on} {missing}",
        "{",
        "{}",
        "{0}",
        "{ready_on.year.__class__}",
        "{ready_on[0]}",
        "{heat:%Q}",
        "{ready_on!x}",
        7,
    ],
)
def test_a_plugins_sentence_that_cannot_be_filled_becomes_a_general_one(sentence: Any) -> None:
    faulty = type("Faulty", (KilnNotCooled,), {"sentence": sentence})

    assert (
        sentence_of(faulty(ready_on=LAST_OF_DECEMBER, heat=9))
        == "This pass cannot be used for this session. Ask the studio, or choose another pass."
    )


def test_a_plugin_may_word_a_built_in_code_in_its_own_way() -> None:
    class NoFiringLeft(errors.PunchesExhausted):
        sentence = "All your firings are used."

    assert sentence_of(NoFiringLeft(remaining=0, held=0)) == "All your firings are used."
    assert title_of(NoFiringLeft()) == "No punch left"


@pytest.mark.parametrize(
    ("sentence", "tag", "told"),
    [
        ("You hold {pots} pots.", "en", "About Nora: You hold 2 pots."),
        ("Cancel one of yours.", "en", "About Nora: Cancel one of yours."),
        ("The young pots cool.", "en", "The young pots cool."),
        ("The kiln is hot.", "en", "The kiln is hot."),
        ("You hold {pots} pots.", "fr", "Pour Nora\xa0: Vous avez 2 pots."),
        ("Cancel one of yours.", "fr", "About Nora: Cancel one of yours."),
    ],
)
def test_what_a_plugin_says_to_you_has_the_name_in_front_where_somebody_else_reads_it(sentence, tag, told) -> None:
    refused = type("Refused", (KilnNotCooled,), {"sentence": sentence})(pots=2)
    refused.translations = {"fr": {"You hold {pots} pots.": "Vous avez {pots} pots."}}

    assert sentence_of(refused, person="Nora", language=language_for(tag)) == told
    assert ":" not in sentence_of(refused, language=language_for(tag))
