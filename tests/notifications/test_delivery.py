"""Delivered at least once, under an id that stays; nothing is lost when servers or workers go away."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest
from icalendar import Calendar
from jinja2 import BaseLoader, DictLoader, Environment, TemplateNotFound
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import DeliveryState, OutboxMessage, Role
from studio_reservations.notifications.backoff import wait_after
from studio_reservations.notifications.delivery import CLAIM, deliver_outbox
from studio_reservations.notifications.letters import FOLDER
from studio_reservations.notifications.mail import is_of_the_server
from studio_reservations.pass_types import Status
from studio_reservations.services.messages import parked_deliveries, retry_delivery
from tests import factories
from tests.factories import NOW
from tests.notifications.conftest import Post
from tests.notifications.gallery import World
from tests.notifications.servers import Mailbox
from tests.processes import run_at_once


def test_a_confirmation_arrives_with_words_a_page_and_a_calendar_entry(post: Post, world: World, mailbox: Mailbox):
    seat = reserve(world)
    assert post.deliver() == {"expanded": 1, "sent": 1, "dropped": 0, "parked": 0, "postponed": 0}

    (mail,) = mailbox.received
    assert mail["From"] == "Kiln Street Pottery <hello@kilnstreet.example>"
    assert mail["To"] == "maya@example.org"
    assert mail["Reply-To"] == "desk@kilnstreet.example"
    assert mail["Subject"] == "You have a seat: Beginner Wheel Throwing, Wed 2 December, 18:00"
    assert mail["Message-ID"] == f"<{post.deliveries()[0].id}@kilnstreet.example>"
    assert mail["List-Unsubscribe"] is None  # it cannot be switched off
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Your seat in Beginner Wheel Throwing is reserved for Wed 2 December, 18:00." in body.get_content()
    page = mail.get_body(("html",))
    assert page is not None
    assert 'class="title" style="' in page.get_content()  # inlined
    (attachment,) = mail.iter_attachments()
    assert attachment.get_content_type() == "text/calendar"
    (event,) = Calendar.from_ical(attachment.get_content()).walk("VEVENT")
    assert (event["UID"], event["LOCATION"]) == (f"{seat.id}@studio-reservations", "Wheel room, 14 Kiln Street")
    assert event.decoded("DTSTART") == NOW + timedelta(days=1, hours=8)


@pytest.mark.parametrize(
    ("of_the_portal", "led_to"),
    [
        (None, "https://kilnstreet.example/studio/reservations/{id}"),
        ("https://kilnstreet.example/my/{id}", "https://kilnstreet.example/my/{id}"),
    ],
    ids=["our page", "the portal's own"],
)
def test_a_letter_leads_to_the_reservation(of_the_portal, led_to, post: Post, world: World, mailbox: Mailbox):
    post.config["STUDIO_RESERVATION_URL"] = of_the_portal
    seat = reserve(world)
    post.deliver()

    body = mailbox.received[0].get_body(("plain",))
    assert body is not None
    assert led_to.replace("{id}", str(seat.id)) in body.get_content()


def test_the_studio_is_the_sender_where_it_has_an_address_of_its_own(post: Post, world: World, mailbox: Mailbox):
    world.studio.sender_email, world.studio.sender_name = "post@kiln.example", "Kiln, Street"
    reserve(world)
    post.deliver()

    assert mailbox.received[0]["From"] == '"Kiln, Street" <post@kiln.example>'


def test_a_message_that_can_be_switched_off_can_be_so_with_one_click(post: Post, world: World, mailbox: Mailbox):
    tell(world, "reservation.checked_in", status=Status.CHECKED_IN)
    post.deliver()

    # As it travels: a parser would put an encoded or folded address together again, and a mail program does not.
    lines = mailbox.raw[0].splitlines()
    [address] = [line for line in lines if line.startswith(b"List-Unsubscribe: ")]
    assert re.fullmatch(rb"List-Unsubscribe: <https://kilnstreet\.example/studio/messages/[\w.-]{80,}>", address)
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert f"Message-ID: <{post.deliveries()[0].id}@kilnstreet.example>".encode() in lines


def test_while_the_mail_server_is_away_messages_wait_and_then_arrive_once(post: Post, world: World, mailbox: Mailbox):
    for _ in range(3):
        reserve(world)
    mailbox.stop()
    now = NOW
    for _ in range(40):  # an outage of any length: nothing is parked
        counts = post.deliver(as_of=now, random=1.0)
        assert (counts["sent"], counts["parked"]) == (0, 0)
        now += timedelta(minutes=6)
    waiting = post.deliveries()
    assert {one.state for one in waiting} == {DeliveryState.DUE}
    assert all("cannot be used" in str(one.last_error) or "Not tried" in str(one.last_error) for one in waiting)
    mailbox.start()

    assert post.deliver(as_of=now)["sent"] == 3
    assert post.deliver(as_of=now)["sent"] == 0
    assert len({mail["Message-ID"] for mail in mailbox.received}) == len(mailbox.received) == 3


@pytest.mark.parametrize(
    "refusal",
    [
        ("HELLO", "554 5.3.2 not accepting network messages"),
        ("MAIL", "421 4.3.2 Service not available, closing"),
        ("MAIL", "452 4.3.1 Insufficient system storage"),
        ("MAIL", "530 5.7.0 Authentication required"),
        ("MAIL", "550 5.7.1 Sender rejected"),
        ("RCPT", "554 5.7.1 <maya@example.org>: Relay access denied"),
        ("DATA", "452 4.3.1 Insufficient system storage"),
    ],
    ids=lambda refusal: f"{refusal[0]} {refusal[1][:3]}",
)
def test_what_the_server_says_of_itself_parks_nothing_however_often(
    refusal: tuple[str, str], post: Post, world: World, mailbox: Mailbox
):
    post.config["STUDIO_DELIVERY_ATTEMPTS"] = 2
    for _ in range(2):
        reserve(world)
    stage, answer = refusal
    mailbox.refuses[stage] = answer
    for day in range(4):
        counts = post.deliver(as_of=NOW + timedelta(days=day))
        assert (counts["sent"], counts["parked"]) == (0, 0)
    mailbox.refuses.clear()

    assert post.deliver(as_of=NOW + timedelta(days=5))["sent"] == 2


@pytest.mark.parametrize(
    ("answer", "of_the_server"),
    [
        ("421 closing", True),
        ("421 4.7.0 too many messages", True),
        ("452 no space", True),
        ("452 4.3.1 no space", True),
        ("452 4.2.2 mailbox full", False),
        ("454 4.7.1 Relay access denied", True),
        ("454 4.7.0 no TLS", True),
        ("530 5.7.0 authentication required", True),
        ("535 5.7.8 who are you", True),
        ("550 relaying denied", True),
        ("550 5.7.54 Unable to relay recipient", True),
        ("451 4.3.0 queue file write error", True),
        ("451 4.7.1 greylisted", False),
        ("450 4.2.0 greylisted", False),
        ("550 5.1.1 no such user at relay.example.org", False),
        ("550 5.1.1 <relay@example.org>: no such user", False),
        ("552 5.3.4 too large", False),
        ("554 5.7.1 this looks like spam", False),
    ],
)
def test_an_answer_is_about_the_server_or_about_the_recipient(answer: str, of_the_server: bool):
    code, _, said = answer.partition(" ")

    assert is_of_the_server(int(code), said) is of_the_server


def test_an_outage_uses_up_no_attempt_even_where_there_is_only_one(post: Post, world: World, mailbox: Mailbox):
    post.config["STUDIO_DELIVERY_ATTEMPTS"] = 1
    reserve(world)
    mailbox.stop()
    for minute in (0, 6, 12):
        assert post.deliver(as_of=NOW + timedelta(minutes=minute))["postponed"] == 1
    mailbox.start()

    assert post.deliver(as_of=NOW + timedelta(minutes=18))["sent"] == 1


def test_without_a_mail_server_mail_waits_for_one(post: Post, world: World):
    reserve(world)

    assert post.deliver()["expanded"] == 1
    assert [(one.state, one.attempts) for one in post.deliveries()] == [("DUE", 0)]


def test_a_message_refused_for_now_is_tried_again_later_and_later(post: Post, world: World, mailbox: Mailbox):
    reserve(world)
    mailbox.answers.extend(["451 Later please"] * 2)

    assert post.deliver(random=0.5)["postponed"] == 1
    (first,) = post.deliveries()
    assert (first.next_attempt_at, first.last_status) == (NOW + timedelta(seconds=15), 451)
    assert post.deliver(as_of=NOW + timedelta(seconds=14))["postponed"] == 0
    assert post.deliver(as_of=NOW + timedelta(seconds=15), random=0.5)["postponed"] == 1
    assert post.deliveries()[0].next_attempt_at == NOW + timedelta(seconds=45)
    assert post.deliver(as_of=NOW + timedelta(seconds=45))["sent"] == 1


def test_after_so_many_refusals_a_message_is_parked_and_staff_can_send_it(post: Post, world: World, mailbox: Mailbox):
    post.config["STUDIO_DELIVERY_ATTEMPTS"] = 3
    reserve(world)
    mailbox.answers.extend(["451 Later please"] * 3)
    for day in range(3):
        post.deliver(as_of=NOW + timedelta(days=day))
    (parked,) = post.deliveries()
    assert (parked.state, parked.attempts, parked.next_attempt_at) == ("PARKED", 3, None)

    manager, stranger = factories.staff_actor(world.studio), factories.customer_actor(world.customer)
    shown = post.run(lambda db_session: parked_deliveries(db_session, studio_id=world.studio.id, actor=manager))
    assert [(delivery.id, event) for delivery, event in shown] == [(parked.id, "reservation.created")]
    later = NOW + timedelta(days=4)
    for actor, refusal in ((factories.staff_actor(world.studio, Role.FRONT_DESK), Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal), Session(post.engine) as db_session:
            retry_delivery(db_session, delivery_id=parked.id, actor=actor, now=later)
    post.run(lambda db_session: retry_delivery(db_session, delivery_id=parked.id, actor=manager, now=later))

    assert post.deliver(as_of=later)["sent"] == 1
    assert [mail["Message-ID"] for mail in mailbox.received] == [f"<{parked.id}@kilnstreet.example>"]


def test_an_address_that_does_not_exist_is_parked_at_once(post: Post, world: World, mailbox: Mailbox):
    reserve(world)
    mailbox.answers.append("550 No such user")

    assert post.deliver()["parked"] == 1
    assert (post.deliveries()[0].last_status, post.deliveries()[0].last_error) == (550, "No such user")


@pytest.mark.parametrize("template", ["{% block subject %}{{ nothing.at.all }}{% endblock %}", "{% if %}", "no blocks"])
def test_a_poisoned_message_is_parked_and_holds_up_nobody(post: Post, world: World, mailbox: Mailbox, template: str):
    post.templates = DictLoader({f"{FOLDER}/check_in.txt": template})
    tell(world, "reservation.checked_in", status=Status.CHECKED_IN)
    reserve(world)

    counts = post.deliver()
    assert (counts["sent"], counts["parked"]) == (1, 1)
    (parked,) = [one for one in post.deliveries() if one.state == "PARKED"]
    assert str(parked.last_error).startswith("It cannot be written")


class Broken(BaseLoader):
    """A loader of the portal's that fails for one template in a way that nobody foresaw."""

    def get_source(self, environment: Environment, template: str):
        if template == f"{FOLDER}/check_in.txt":
            raise RuntimeError("the portal's disk is on fire")
        raise TemplateNotFound(template)


def test_a_fault_that_nobody_foresaw_is_tried_again_and_holds_up_nobody(post: Post, world: World, mailbox: Mailbox):
    post.templates = Broken()
    tell(world, "reservation.checked_in", status=Status.CHECKED_IN)
    reserve(world)

    assert post.deliver(random=0.5) == {"expanded": 2, "sent": 1, "dropped": 0, "parked": 0, "postponed": 1}
    (waiting,) = [one for one in post.deliveries() if one.state == "DUE"]
    assert waiting.last_error == "RuntimeError: the portal's disk is on fire"
    post.templates = None
    assert post.deliver(as_of=NOW + timedelta(seconds=15))["sent"] == 1


@pytest.mark.parametrize("payload", [{"registration_id": 7}, {"registration_id": "x", "because_of": []}, {}, None])
def test_a_message_that_makes_no_sense_holds_up_nobody(
    post: Post, world: World, mailbox: Mailbox, payload: dict[str, object] | None
):
    message = world.db_session.get_one(OutboxMessage, world.tell("pass_expiring", {}))
    message.payload = payload
    reserve(world)

    counts = post.deliver()
    assert (counts["expanded"], counts["sent"]) == (2, 1)


class Killed(BaseException):
    """The end of a worker, at once."""


def test_killed_between_sending_and_recording_it_comes_twice_at_most_with_one_id(
    post: Post, world: World, mailbox: Mailbox
):
    reserve(world)
    transactions = 0

    def dying(work):
        nonlocal transactions
        transactions += 1
        if transactions == 3:  # expanded, claimed, sent
            raise Killed
        return post.run(work)

    with pytest.raises(Killed):
        deliver_outbox(dying, as_of=NOW, courier=post.courier(), timer=lambda: 0.0)
    assert len(mailbox.received) == 1

    assert post.deliver(as_of=NOW + CLAIM - timedelta(seconds=1))["sent"] == 0  # it may still be alive
    assert post.deliver(as_of=NOW + CLAIM)["sent"] == 1
    assert post.deliver(as_of=NOW + 2 * CLAIM)["sent"] == 0
    assert len(mailbox.received) == 2
    assert len({mail["Message-ID"] for mail in mailbox.received}) == 1


def test_what_kills_each_worker_is_parked_in_the_end(post: Post, world: World, mailbox: Mailbox):
    post.config["STUDIO_DELIVERY_ATTEMPTS"] = 2
    reserve(world)
    now = NOW
    for _ in range(2):
        calls = 0

        def dying(work):
            nonlocal calls
            calls += 1
            if calls == 3:
                raise Killed
            return post.run(work)

        with pytest.raises(Killed):
            deliver_outbox(dying, as_of=now, courier=post.courier(), timer=lambda: 0.0)
        now += CLAIM

    assert post.deliver(as_of=now)["parked"] == 1
    assert len(mailbox.received) == 2


def test_a_slow_worker_does_not_undo_what_another_has_recorded(post: Post, world: World, mailbox: Mailbox):
    """Its claim ran out while it was sending, and it was refused; the other worker had it accepted."""
    reserve(world)
    mailbox.answers.append("451 Later please")
    calls = 0

    def slow(work):
        nonlocal calls
        calls += 1
        if calls == 3:
            assert post.deliver(as_of=NOW + CLAIM)["sent"] == 1
        return post.run(work)

    deliver_outbox(slow, as_of=NOW, courier=post.courier(), timer=lambda: 0.0)
    (delivery,) = post.deliveries()
    assert (delivery.state, delivery.last_error) == ("SENT", None)


@pytest.mark.concurrency
def test_workers_at_once_send_each_message_once(post: Post, world: World, mailbox: Mailbox, database_url: str):
    for _ in range(60):
        reserve(world)
    prepare = """
        from sqlalchemy import create_engine
        from sqlalchemy.orm import Session
        from studio_reservations.database import BEGIN_OPTION, prepare_engine
        from studio_reservations.notifications.courier import Courier
        from studio_reservations.notifications.delivery import deliver_outbox
        from studio_reservations.pass_type_registry import installed_pass_types
        from studio_reservations.settings import load
        from tests.factories import NOW

        engine = create_engine(sys.argv[1], execution_options={BEGIN_OPTION: "IMMEDIATE"})
        prepare_engine(engine)
        settings = load({"STUDIO_SMTP_URL": sys.argv[2], "STUDIO_MAIL_FROM": "hello@kilnstreet.example"})
        pass_types = installed_pass_types()

        def run(work):
            with Session(engine, expire_on_commit=False) as db_session, db_session.begin():
                return work(db_session)
    """
    act = "print(deliver_outbox(run, as_of=NOW, courier=Courier.of(settings, secret='s', pass_types=pass_types)).states['SENT'])"
    printed = run_at_once(4, prepare=dedent(prepare), act=act, arguments=(database_url, mailbox.url))

    assert sum(map(int, printed)) == 60
    assert Counter(mail["Message-ID"] for mail in mailbox.received).most_common(1)[0][1] == 1
    assert {one.state for one in post.deliveries()} == {"SENT"}


def test_the_wait_doubles_with_full_jitter():
    whole = [wait_after(attempts, random=lambda: 1.0) for attempts in (1, 2, 3, 11, 40)]

    assert [wait.total_seconds() for wait in whole] == [30, 60, 120, 21_600, 21_600]
    assert wait_after(3, random=lambda: 0.25).total_seconds() == 30
    assert wait_after(30, random=lambda: 1.0, outage=True).total_seconds() == 300


@pytest.mark.parametrize(
    ("event", "now_it_is"),
    [
        ("reservation.created", {"status": Status.CANCELLED}),
        ("reservation.created", {"status": Status.NO_SHOW}),
        ("reservation.restored", {"status": Status.AUTO_CANCELLED}),
        ("session.moved", {"status": Status.CANCELLED}),
        ("reservation.checked_in", {"status": Status.PENDING}),
        ("reservation.no_show", {"status": Status.NO_SHOW, "waived_at": NOW}),
        ("reservation.no_show", {"status": Status.ATTENDED}),
        ("reservation.waived", {"status": Status.NO_SHOW}),
        ("reservation.auto_cancelled", {"status": Status.PENDING}),
        ("reservation.cancelled", {"status": Status.PENDING}),
    ],
)
def test_what_is_overtaken_while_it_waits_is_dropped(
    event: str, now_it_is: dict[str, Any], post: Post, world: World, mailbox: Mailbox
):
    tell(world, event, **now_it_is)

    assert post.deliver()["dropped"] == 1
    assert [one.last_error for one in post.deliveries()] == ["What it tells is no longer so."]
    assert mailbox.received == []


def test_of_a_night_s_cancellations_those_are_told_that_still_stand(post: Post, world: World, mailbox: Mailbox):
    missed = world.seat(days=-1, status=Status.NO_SHOW)
    for days, status in ((2, Status.AUTO_CANCELLED), (3, Status.PENDING), (4, Status.AUTO_CANCELLED)):
        seat = world.seat(days=days, status=status)
        world.tell("reservation.auto_cancelled", {"because_of": str(missed.id)}, of=seat)
    world.db_session.commit()
    post.deliver()

    (mail,) = mailbox.received
    assert mail["Subject"] == "2 reservations were cancelled"


def test_a_late_change_whose_new_seat_is_gone_again_is_told_as_a_late_charge(
    post: Post, world: World, mailbox: Mailbox
):
    old = world.seat(days=2, status=Status.CANCELLED, late=True)
    new = world.seat(days=5, status=Status.CANCELLED)
    world.tell("reservation.rescheduled", {"replaces": str(old.id), "late": True, "punches_charged": 1}, of=new)
    world.db_session.commit()
    post.deliver()

    (mail,) = mailbox.received
    assert mail["Subject"] == "Cancelled late: Beginner Wheel Throwing, Thu 3 December, 18:00"


@pytest.mark.parametrize(
    "change", [{"status": "CANCELLED"}, {"status": "FROZEN"}, {"valid_until": NOW.date() - timedelta(days=1)}]
)
def test_the_end_of_a_pass_is_not_told_after_it(change: dict[str, Any], post: Post, world: World, mailbox: Mailbox):
    world.tell("pass_expiring", {"registration_id": str(world.held.id), "valid_until": "2026-12-31"})
    for name, value in change.items():
        setattr(world.held, name, value)
    world.db_session.commit()

    assert post.deliver()["dropped"] == 1


def test_a_pause_that_is_over_is_not_told_as_one(post: Post, world: World, mailbox: Mailbox):
    suspension = factories.make_suspension(world.db_session, world.customer, world.studio, ended_at=NOW)
    for event in ("suspension.created", "suspension.lifted"):
        world.tell(event, {"suspension_id": str(suspension.id)})
    world.db_session.commit()
    post.deliver()

    assert [mail["Subject"] for mail in mailbox.received] == ["You can reserve again at Kiln Street Pottery"]


def test_a_run_ends_when_its_time_is_up_and_the_next_goes_on(post: Post, world: World, mailbox: Mailbox):
    for _ in range(45):
        reserve(world)
    seconds = iter(range(0, 10_000, 10))
    report = deliver_outbox(post.run, as_of=NOW, courier=post.courier(), timer=lambda: float(next(seconds)))

    assert 0 < report.counts()["sent"] < 45
    assert post.deliver(as_of=NOW + timedelta(hours=1))["sent"] == 45 - report.counts()["sent"]


def reserve(world: World):
    """Tell of a new reservation; the rows are committed."""
    return tell(world, "reservation.created")


def tell(world: World, event: str, **fields):
    seat = world.seat(**fields)
    world.tell(event, {}, of=seat)
    world.db_session.commit()
    return seat
