"""The intro offer keeps the contract of pass types."""

from studio_intro_offer import IntroOffer

from studio_reservations.testing import PassTypeContract


class TestIntroOffer(PassTypeContract):
    pass_type = IntroOffer
    options = ({}, {"days": 1}, {"days": 30})
    wrong_options = ({"days": 0}, {"days": 91}, {"days": "14"})
