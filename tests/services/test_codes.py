"""The codes of the door."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from studio_reservations.errors import CodeExpired, CodeInvalid
from studio_reservations.services.codes import CodeSigner, svg_of

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
CODES = CodeSigner("one secret")


def test_a_code_names_its_reservation_to_whoever_has_the_secret():
    reservation_id = uuid4()

    text = CODES.code_for(reservation_id)

    assert CodeSigner(b"one secret").read(f" {text}\n") == reservation_id
    with pytest.raises(CodeInvalid):
        CodeSigner("another secret").read(text)


@pytest.mark.parametrize("text", ["", ".", "x", "0" * 40_000, "é.ü", "\ud800.\udfff", "a.b.c"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(CodeInvalid):
        CODES.read(text)


def test_a_code_of_another_reservation_cannot_be_made_from_ones_own():
    _, signature = CODES.code_for(uuid4()).split(".")

    with pytest.raises(CodeInvalid):
        CODES.read(f"{uuid4().hex}.{signature}")


def test_the_picture_scales_and_obeys_a_strict_content_security_policy():
    svg = svg_of(CODES.code_for(uuid4()))
    root = ET.fromstring(svg)

    assert "viewBox" in root.attrib
    assert not {"width", "height"} & set(root.attrib)
    assert not re.search(r"style|<script|\son\w+=", svg)


def test_the_door_code_is_six_digits_that_change_every_minute_and_differ_by_studio():
    studio_id = uuid4()
    codes = [CODES.door_code(studio_id=studio_id, now=NOW + timedelta(minutes=minute)) for minute in range(50)]

    assert all(re.fullmatch(r"\d{6}", code) for code in codes)
    assert len(set(codes)) > 45
    assert CODES.door_code(studio_id=studio_id, now=NOW + timedelta(seconds=59)) == codes[0]
    assert CODES.door_code(studio_id=uuid4(), now=NOW) != codes[0]
    assert CodeSigner("another secret").door_code(studio_id=studio_id, now=NOW) != codes[0]


def test_the_door_code_is_good_for_its_minute_and_the_next_then_expired_then_unknown():
    studio_id = uuid4()
    code = CODES.door_code(studio_id=studio_id, now=NOW)

    def check(**later: float) -> None:
        CODES.check_door_code(code, studio_id=studio_id, now=NOW + timedelta(**later))

    check()
    check(seconds=119.999)
    for seconds in (120, 659.999):
        with pytest.raises(CodeExpired):
            check(seconds=seconds)
    for seconds in (-0.001, 660):
        with pytest.raises(CodeInvalid):
            check(seconds=seconds)


def test_a_door_code_may_be_typed_with_spaces():
    studio_id = uuid4()
    code = CODES.door_code(studio_id=studio_id, now=NOW)

    CODES.check_door_code(f" {code[:3]} {code[3:]} ", studio_id=studio_id, now=NOW)
