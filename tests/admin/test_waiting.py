"""What needs a decision, on the first page of the staff."""

from __future__ import annotations

from sqlalchemy import select, text

from studio_reservations.models import (
    Channel,
    ClassRegistration,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    SessionReservation,
)
from studio_reservations.services.decisions import waiting
from tests.admin.conftest import Kiln
from tests.factories import NOW

TODAY = "/admin/studio/"


def trouble(stored, kiln: Kiln) -> None:
    """Let something of each kind wait at Kiln Street."""
    missed = stored.get_one(SessionReservation, kiln.own.no_show)
    missed.explanation, missed.explained_at = "The tram did not come.", NOW
    stored.get_one(SessionReservation, kiln.own.pending).flags = ["prerequisite_lost"]
    stored.get_one(ClassRegistration, kiln.own.registration).pass_type = "lunar_pass"
    message = OutboxMessage(
        studio_id=kiln.own.studio, event="reservation.created", payload={}, dedupe_key="one", created_at=NOW
    )
    stored.add(message)
    stored.flush()
    stored.add(
        OutboxDelivery(
            studio_id=kiln.own.studio,
            message_id=message.id,
            channel=Channel.EMAIL.value,
            recipient="ivy@example.org",
            state=DeliveryState.PARKED.value,
            last_error="The mailbox does not exist.",
            created_at=NOW,
        )
    )
    stored.commit()


def test_everything_that_waits_is_named_and_leads_to_where_it_is_decided(as_role, kiln: Kiln, stored):
    trouble(stored, kiln)
    manager = as_role("manager")

    page = manager.get(TODAY).text

    for sentence in (
        "1 no-show can still be waived",
        "Noor Diaz explained a missed class",
        "“The tram did not come.”",
        "1 message could not be sent",
        "1 pass cannot be used",
        "lunar_pass",
        "1 reservation to look at",
    ):
        assert sentence in page
    links = [part.split('"')[0] for part in page.split('st-todo">')[1].split("</ul>")[0].split('href="')[1:]]
    assert len(links) == 5
    assert {manager.get(link).status_code for link in links} == {200}


def test_the_desk_sees_what_it_can_do_something_about(as_role, kiln: Kiln, stored):
    trouble(stored, kiln)

    page = as_role("front_desk").get(TODAY).text

    assert "1 no-show can still be waived" in page
    assert "could not be sent" not in page
    assert "lunar_pass" not in page


def test_an_instructor_decides_nothing(as_role, kiln: Kiln, stored):
    trouble(stored, kiln)

    assert "Needs a decision" not in as_role("instructor").get(TODAY).text


def test_another_studios_troubles_are_theirs(as_role, kiln: Kiln, stored):
    trouble(stored, kiln)

    page = as_role("stranger").get(TODAY).text

    assert "Noor Diaz explained" not in page
    assert "lunar_pass" not in page


def test_what_waits_is_found_by_the_index_of_what_was_missed(stored, kiln: Kiln):
    wanted = select(SessionReservation.id).where(SessionReservation.studio_id == kiln.own.studio, waiting(NOW))
    statement = wanted.compile(stored.get_bind(), compile_kwargs={"literal_binds": True})

    plan = stored.execute(text(f"EXPLAIN QUERY PLAN {statement}".replace(":", r"\:"))).all()

    assert "ix_studio_session_reservation_missed" in str(plan)
