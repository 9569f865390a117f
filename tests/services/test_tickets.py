"""What a customer's ticket says of a pass whose type a studio brought itself."""

from __future__ import annotations

from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services.tickets import wallet_of
from tests import factories
from tests.factories import NOW

BROUGHT = ("studio_weekly_membership:WeeklyMembership", "studio_off_peak:OffPeak")


def test_a_ticket_speaks_in_the_plugins_words_and_in_the_readers_language(db_session):
    studio = factories.make_studio(db_session)
    ada = factories.make_customer(db_session, studio)
    factories.make_pass(
        db_session,
        ada,
        studio,
        pass_type="off_peak",
        pass_options={"days": ["Saturday"], "opens": "06:30", "closes": "08:00"},
    )

    def ticket(language: str):
        wallet = wallet_of(
            db_session,
            actor=factories.customer_actor(ada),
            customer_id=ada.id,
            now=NOW,
            pass_types=installed_pass_types(BROUGHT),
            language=language,
        )
        return wallet.tickets[0]

    english, french = ticket("en"), ticket("fr")

    assert english.label == "Off-peak pass"
    assert french.label != english.label
    assert english.works
    assert [one.label for one in english.figures] == ["Days", "From", "Until"]
    assert [one.label for one in french.figures] != [one.label for one in english.figures]
    assert english.punches == []


def test_what_only_staff_read_is_not_on_it(db_session):
    studio = factories.make_studio(db_session)
    ada = factories.make_customer(db_session, studio)
    factories.make_pass(
        db_session, ada, studio, pass_type="weekly_membership", pass_options={"a_week": 2, "carried": 0}
    )

    [ticket] = wallet_of(
        db_session,
        actor=factories.customer_actor(ada),
        customer_id=ada.id,
        now=NOW,
        pass_types=installed_pass_types(BROUGHT),
    ).tickets

    assert ticket.works
    assert list(ticket.figures) == []


def test_a_pass_of_a_missing_type_has_no_words_of_its_own(db_session):
    studio = factories.make_studio(db_session)
    ada = factories.make_customer(db_session, studio)
    factories.make_pass(db_session, ada, studio, pass_type="lunar_pass")

    [ticket] = wallet_of(
        db_session,
        actor=factories.customer_actor(ada),
        customer_id=ada.id,
        now=NOW,
        pass_types=installed_pass_types(),
    ).tickets

    assert not ticket.works
    assert list(ticket.figures) == []
