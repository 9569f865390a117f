"""The family pass keeps the contract of pass types."""

from studio_family_pass import FamilyPass

from studio_reservations.testing import PassTypeContract


class TestFamilyPass(PassTypeContract):
    pass_type = FamilyPass
    options = ({"sessions": 10}, {"sessions": 3, "people": 2, "each": 1})
    wrong_options = ({}, {"sessions": 0}, {"sessions": 10, "people": 1}, {"sessions": 10, "each": 0})
