"""The off-peak pass keeps the contract of pass types."""

from studio_off_peak import OffPeak

from studio_reservations.testing import PassTypeContract


class TestOffPeak(PassTypeContract):
    pass_type = OffPeak
    options = ({}, {"days": ["Saturday"], "opens": "06:30", "closes": "08:00"})
    wrong_options = ({"days": []}, {"days": ["Someday"]}, {"opens": "noon"}, {"opens": "12:00", "closes": "11:59"})
