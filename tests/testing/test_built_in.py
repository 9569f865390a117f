"""The four built-in pass types fulfil the contract that everybody's must."""

from __future__ import annotations

from studio_pass_types import DropIn, FullCourse, PunchPass, UnlimitedSeries

from studio_reservations.testing import PassTypeContract


class TestUnlimitedSeries(PassTypeContract):
    pass_type = UnlimitedSeries
    options = ({}, {"max_advance": None})
    wrong_options = ({"max_advance": 0}, {"sessions": 8})


class TestPunchPass(PassTypeContract):
    pass_type = PunchPass
    options = ({"sessions": 2}, {"sessions": 8, "max_advance": None})
    wrong_options = ({}, {"sessions": 0}, {"sessions": "8"})


class TestFullCourse(PassTypeContract):
    pass_type = FullCourse
    options = ({}, {"sequence_rule": "reserved", "max_advance": None})
    wrong_options = ({"sequence_rule": "none"},)


class TestDropIn(PassTypeContract):
    pass_type = DropIn()
    wrong_options = ({"sessions": 2},)
