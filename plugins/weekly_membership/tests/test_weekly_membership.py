"""The weekly membership keeps the contract of pass types."""

from studio_weekly_membership import WeeklyMembership

from studio_reservations.testing import PassTypeContract


class TestWeeklyMembership(PassTypeContract):
    pass_type = WeeklyMembership
    options = ({"a_week": 2}, {"a_week": 2, "carried": 1}, {"a_week": 1, "carried": 3})
    wrong_options = ({}, {"a_week": 0}, {"a_week": "2"}, {"a_week": 2, "carried": -1})
