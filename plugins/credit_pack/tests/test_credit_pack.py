"""The credit pack keeps the contract of pass types."""

from studio_credit_pack import CreditPack

from studio_reservations.testing import PassTypeContract, known_id

POTTERY = str(known_id("Pottery"))


class TestCreditPack(PassTypeContract):
    pass_type = CreditPack
    options = ({"credits": 20}, {"credits": 10, "price": 2, "prices": {POTTERY: 3}}, {"credits": 1, "price": 0})
    wrong_options = (
        {},
        {"credits": 0},
        {"credits": 20, "prices": {"Pottery": 3}},
        {"credits": 20, "prices": {POTTERY: -1}},
    )
