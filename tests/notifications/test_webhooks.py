"""Webhooks: signed after Standard Webhooks, to addresses that are not our own network's."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook, WebhookVerificationError

from studio_reservations.errors import Forbidden, InvalidRequest, NotFound
from studio_reservations.models import OutboxMessage, ReservationHistory, Role, WebhookEndpoint
from studio_reservations.notifications.expanding import expand
from studio_reservations.notifications.failures import Hopeless, Refused
from studio_reservations.notifications.payload_docs import page
from studio_reservations.notifications.webhook_post import Poster, UnfitAddress, fit_url
from studio_reservations.services.messages import retry_delivery, send_again
from studio_reservations.services.webhooks import NewSecret, WebhookService
from tests import factories
from tests.notifications.conftest import Post
from tests.notifications.gallery import World
from tests.notifications.servers import Mailbox, Receiver

THEN = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
"""When everything here happens; a signature is good for five minutes from then."""

PAGE = Path(__file__).parents[2] / "docs" / "developers" / "webhooks.md"


def verified(secret: str, body: bytes, headers: dict[str, str]) -> Any:
    """Return the event of a call, as a receiver of that instant verifies it."""
    with time_machine.travel(THEN, tick=False):
        return Webhook(secret).verify(body, headers)


def test_an_event_arrives_signed_and_documented(post: Post, world: World, receiver: Receiver):
    secret = endpoint_of(post, world, receiver).secret
    seat = world.seat()
    message_id = world.tell(
        "reservation.created",
        {"customer_id": str(world.customer.id), "reservation_id": str(seat.id), "punches_held": 1},
        of=seat,
        at=THEN,
    )
    world.db_session.commit()

    assert post.deliver(as_of=THEN)["sent"] == 1
    ((_, headers, body),) = receiver.calls
    assert headers["webhook-id"] == str(message_id)
    assert verified(secret, body, headers) == {
        "type": "reservation.created",
        "version": 1,
        "timestamp": THEN.isoformat().replace("+00:00", "Z"),
        "studio": world.studio.slug,
        "data": {
            "by": "CUSTOMER",
            "reservation_id": str(seat.id),
            "registration_id": str(world.held.id),
            "session_id": str(seat.session_id),
            "customer_id": str(world.customer.id),
            "from_status": None,
            "status": "PENDING",
            "punches_held": 1,
            "makeup_for_id": None,
        },
    }
    with pytest.raises(WebhookVerificationError):
        verified(secret, body.replace(b"PENDING", b"ATTENDED"), headers)


def test_a_receiver_that_fails_and_recovers_gets_it_under_the_same_id(post: Post, world: World, receiver: Receiver):
    endpoint = endpoint_of(post, world, receiver).endpoint
    tell(world)
    receiver.answers.append(500)
    receiver.body = b"no disk\nleft " * 100

    assert post.deliver(as_of=THEN, random=1.0)["postponed"] == 1
    (delivery,) = post.deliveries()
    assert delivery.last_status == 500
    assert delivery.last_error is not None
    assert delivery.last_error.startswith("It answered 500: no disk left")
    assert len(delivery.last_error) < 400
    assert fresh(post, endpoint.id).failing_since == THEN
    assert post.deliver(as_of=THEN + timedelta(seconds=30))["sent"] == 1
    assert len({headers["webhook-id"] for _, headers, _ in receiver.calls}) == 1
    assert receiver.calls[0][2] == receiver.calls[1][2]
    assert fresh(post, endpoint.id).failing_since is None


def test_one_dead_receiver_holds_up_nobody(post: Post, world: World, receiver: Receiver):
    endpoint_of(post, world, receiver)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
    post.run(lambda db_session: add(db_session, world, dead))
    for _ in range(30):
        tell(world)

    counts = post.deliver(as_of=THEN, random=1.0)
    assert counts["sent"] == 30
    assert counts["postponed"] < 20  # of the first batch only: afterwards what is for it is not even claimed
    tried = [one for one in post.deliveries() if one.last_error and "cannot be reached" in one.last_error]
    assert len(tried) == 1


def test_while_a_secret_is_rotated_both_are_good_for_a_day(post: Post, world: World, receiver: Receiver):
    old = endpoint_of(post, world, receiver)
    owner = factories.staff_actor(world.studio, Role.OWNER)
    new = post.run(
        lambda db_session: service(db_session).rotate_secret(endpoint_id=old.endpoint.id, actor=owner).secret
    )
    assert new != old.secret
    tell(world)
    post.deliver(as_of=THEN)
    _, headers, body = receiver.calls[-1]
    for secret in (old.secret, new):
        verified(secret, body, headers)

    post.run(lambda db_session: _over(db_session, old.endpoint.id))
    tell(world)
    post.deliver(as_of=THEN)
    _, headers, body = receiver.calls[-1]
    verified(new, body, headers)
    with pytest.raises(WebhookVerificationError):
        verified(old.secret, body, headers)


def test_a_secret_is_not_rotated_again_while_the_one_before_is_valid_unless_that_is_ended(
    post: Post, world: World, receiver: Receiver
):
    first = endpoint_of(post, world, receiver)
    owner = factories.staff_actor(world.studio, Role.OWNER)
    act: dict[str, Any] = {"endpoint_id": first.endpoint.id, "actor": owner}

    def rotate(now: datetime) -> str:
        return post.run(lambda db_session: service(db_session, now).rotate_secret(**act).secret)

    second = rotate(THEN)
    with pytest.raises(InvalidRequest) as refused:
        rotate(THEN + timedelta(hours=23))
    assert "valid until Wed 2 December, 10:00" in refused.value.values["errors"]["secret"]
    assert fresh(post, first.endpoint.id).previous_secret == first.secret

    post.run(lambda db_session: service(db_session).end_old_secret(**act))
    tell(world)
    post.deliver(as_of=THEN)
    _, headers, body = receiver.calls[-1]
    verified(second, body, headers)
    with pytest.raises(WebhookVerificationError):
        verified(first.secret, body, headers)
    third = rotate(THEN + timedelta(hours=1))
    assert rotate(THEN + timedelta(hours=25)) != third  # a day later it needs no ending


def test_an_endpoint_that_fails_for_a_day_is_switched_off_and_its_owners_are_told(
    post: Post, world: World, receiver: Receiver, mailbox: Mailbox
):
    ours = factories.make_customer(world.db_session, email="owner@example.org")
    factories.give_access(world.db_session, ours, "owner-1")
    factories.make_staff(world.db_session, world.studio, Role.OWNER, user_id="owner-1")
    world.customer.email = None
    endpoint = endpoint_of(post, world, receiver).endpoint
    receiver.answers.extend([503] * 100)
    tell(world)
    now = THEN
    while now < THEN + timedelta(days=1):
        post.deliver(as_of=now, random=1.0)
        assert fresh(post, endpoint.id).disabled_at is None
        now += timedelta(hours=6)
    tell(world)
    post.deliver(as_of=now, random=1.0)

    off = fresh(post, endpoint.id)
    assert off.disabled_at == now
    assert {one.state for one in post.deliveries() if one.endpoint_id} == {"PARKED"}
    post.deliver(as_of=now)
    assert sorted(mailbox.recipients) == ["desk@kilnstreet.example", "owner@example.org"]
    assert mailbox.received[0]["Subject"] == "A webhook of Kiln Street Pottery is switched off"
    tell(world, at=now)
    assert post.deliver(as_of=now)["sent"] == 0  # nothing goes there any more

    receiver.answers.clear()
    owner = factories.staff_actor(world.studio, Role.OWNER)
    post.run(lambda db_session: service(db_session, now).enable(endpoint_id=endpoint.id, actor=owner).id)
    log = post.run(lambda db_session: service(db_session, now).log(endpoint_id=endpoint.id, actor=owner))
    assert [(one["event"], one["state"]) for one in log] == [("reservation.attended", "PARKED")] * 2
    for one in log:
        with Session(post.engine) as db_session, db_session.begin():
            service(db_session, now).redeliver(delivery_id=one["id"], actor=owner)
    assert post.deliver(as_of=now)["sent"] == 2
    again = {headers["webhook-id"] for _, headers, _ in receiver.calls[-2:]}
    assert again == {str(one["webhook_id"]) for one in log}


def test_owners_are_told_at_the_address_that_the_portal_has(
    post: Post, world: World, receiver: Receiver, mailbox: Mailbox
):
    world.studio.contact_email = None
    for number, role in ((7, Role.OWNER), (8, Role.OWNER), (9, Role.MANAGER)):
        factories.make_staff(world.db_session, world.studio, role, user_id=str(number))
    post.users = {"7": "owner@example.org", "9": "manager@example.org"}
    endpoint_of(post, world, receiver)
    receiver.answers.append(410)
    tell(world)
    post.deliver(as_of=THEN)
    post.deliver(as_of=THEN)

    assert mailbox.recipients == ["owner@example.org"]


def test_a_portal_that_fails_to_tell_an_address_costs_nobody_a_message(
    post: Post, world: World, receiver: Receiver, mailbox: Mailbox
):
    factories.make_staff(world.db_session, world.studio, Role.OWNER, user_id="7")
    post.users = Forgetful()
    endpoint = endpoint_of(post, world, receiver).endpoint
    receiver.answers.append(410)
    tell(world)
    post.deliver(as_of=THEN)
    post.deliver(as_of=THEN)

    assert fresh(post, endpoint.id).disabled_at == THEN
    assert mailbox.recipients == ["desk@kilnstreet.example"]


class Forgetful(dict[str, str]):
    """The users of a portal with a fault in it."""

    def get(self, *_: Any) -> Any:
        raise RuntimeError("the portal's table is gone")


def test_while_a_webhook_is_off_what_waits_for_it_is_kept_and_not_sent(post: Post, world: World, receiver: Receiver):
    endpoint = endpoint_of(post, world, receiver).endpoint
    owner = factories.staff_actor(world.studio, Role.OWNER)
    receiver.answers.append(500)
    tell(world)
    post.deliver(as_of=THEN)
    tell(world)  # nobody has looked at it yet when the webhook is switched off
    later = THEN + timedelta(minutes=1)
    post.run(lambda db_session: service(db_session, later).disable(endpoint_id=endpoint.id, actor=owner))
    post.deliver(as_of=later)

    waiting = post.deliveries()
    assert [(one.state, one.last_error) for one in waiting] == [("PARKED", "The webhook is switched off.")] * 2
    again: dict[str, Any] = {"delivery_id": waiting[0].id, "actor": owner}
    for attempt in (
        lambda db_session: retry_delivery(db_session, now=later, **again),
        lambda db_session: send_again(db_session, now=later, **again),
        lambda db_session: service(db_session, later).redeliver(**again),
    ):
        with pytest.raises(InvalidRequest) as refused:
            post.run(attempt)
        assert refused.value.values["errors"] == {"webhook": "The webhook is switched off. Switch it on first."}
    post.run(lambda db_session: service(db_session, later).enable(endpoint_id=endpoint.id, actor=owner))
    for one in waiting:
        post.run(partial(retry_delivery, delivery_id=one.id, actor=owner, now=later))

    assert post.deliver(as_of=later)["sent"] == 2


def test_a_webhook_that_is_switched_off_while_a_worker_has_its_events_keeps_them(
    post: Post, world: World, receiver: Receiver
):
    endpoint = endpoint_of(post, world, receiver).endpoint
    tell(world)
    post.run(lambda db_session: expand(db_session, as_of=THEN, sms=False))
    world.db_session.get_one(WebhookEndpoint, endpoint.id).disabled_at = THEN
    world.db_session.commit()

    assert post.deliver(as_of=THEN)["parked"] == 1
    assert receiver.calls == []


def test_what_cannot_be_written_is_not_held_against_the_receiver(post: Post, world: World, receiver: Receiver):
    endpoint = endpoint_of(post, world, receiver).endpoint
    for day in range(3):
        world.tell("reservation.attended", {}, at=THEN)
        world.db_session.commit()
        assert post.deliver(as_of=THEN + timedelta(days=day))["parked"] == 1

    assert (fresh(post, endpoint.id).failing_since, fresh(post, endpoint.id).disabled_at) == (None, None)
    assert receiver.calls == []


def test_an_endpoint_that_is_gone_is_switched_off_at_once(post: Post, world: World, receiver: Receiver):
    endpoint = endpoint_of(post, world, receiver).endpoint
    receiver.answers.append(410)
    tell(world)
    post.deliver(as_of=THEN)

    assert fresh(post, endpoint.id).disabled_at == THEN


def test_redirects_are_not_followed(post: Post, world: World, receiver: Receiver):
    endpoint_of(post, world, receiver)
    receiver.answers.append(307)
    receiver.location = receiver.url + "/elsewhere"
    tell(world)
    post.deliver(as_of=THEN)

    assert [path for path, _, _ in receiver.calls] == ["/hooks"]
    assert post.deliveries()[0].last_error == "It answered 307; redirects are not followed."


PRIVATE = [
    "https://127.0.0.1/",
    "https://localhost/",
    "https://localhost./",
    "https://intranet.local/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://0/",
    "https://10.0.0.7/",
    "https://172.16.3.4/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://192.0.0.8/",
    "https://192.88.99.1/",
    "https://198.51.100.7/",
    "https://[fec0::1]/",
    "https://[feff::1]/",
    "https://[3fff::1]/",
    "https://[4000::1]/",
    "https://[64:ff9b:1::808:808]/",
    "https://[2001:2::1]/",
    "https://[2001:db8::1]/",
    "https://[2002:808:808::]/",
    "https://１２７.0.0.1/",
    "https://ⓛocalhost/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused_however_they_are_written(url: str):
    with pytest.raises(UnfitAddress):
        fit_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org/a b",
        "https://example.org/\nHost: other",
        "https://example.org/" + "a" * 2_000,
        "//example.org",
        f"https://{'ö' * 64}.example/",
        "https://user:password@töpferei.example/",
        "",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(url: str):
    with pytest.raises(UnfitAddress):
        fit_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url", ["https://example.org/hooks?a=1", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/"]
)
def test_public_addresses_are_taken(url: str):
    assert fit_url(url, allow_private=False).geturl() == url


def test_an_address_in_other_letters_is_kept_as_it_travels(post: Post, world: World, receiver: Receiver):
    host, port = receiver.url.removeprefix("http://").split(":")
    typed = fit_url("https://töpferei.example:8443/häken%20da?wo=körbe&x=1", allow_private=False)
    assert typed.geturl() == "https://xn--tpferei-90a.example:8443/h%C3%A4ken%20da?wo=k%C3%B6rbe&x=1"

    world.db_session.commit()
    added = post.run(lambda db_session: add(db_session, world, f"http://{host}:{port}/häken"))
    assert added.endpoint.url == f"{receiver.url}/h%C3%A4ken"
    tell(world)
    assert post.deliver(as_of=THEN)["sent"] == 1
    assert [path for path, _, _ in receiver.calls] == ["/h%C3%A4ken"]


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "::1", "fd00::7", "::ffff:10.0.0.7"])
def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)),
        (family, socket.SOCK_STREAM, 6, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(Hopeless, match="not public"):
        Poster().post("https://rebinding.example/", b"{}", {})


def test_the_name_is_resolved_once_and_the_connection_made_to_what_was_judged(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
):
    host, port = "127.0.0.1", int(receiver.url.rpartition(":")[2])
    resolve, asked = socket.getaddrinfo, []

    def resolver(name: str, *rest: Any, **options: Any) -> Any:
        if name != "receiver.example":
            return resolve(name, *rest, **options)  # an address, which is no question
        asked.append(name)
        assert len(asked) == 1, "asked again, when the answer may be another"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    Poster(allow_private=True).post(f"http://receiver.example:{port}/hooks", b"{}", {})

    assert receiver.calls[0][1]["host"] == f"receiver.example:{port}"


def test_a_receiver_that_drips_is_cut_off(receiver: Receiver):
    receiver.drip = Event()
    started = monotonic()
    with pytest.raises(Refused, match=r"No answer within 0\.3 seconds"):
        Poster(allow_private=True, limit_seconds=0.3).post(receiver.url, b"{}", {})

    assert monotonic() - started < 3


def test_the_limit_holds_for_the_resolver_and_for_all_addresses_together(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
):
    release = Event()
    tried = []

    def deaf(address: Any, *_: Any, **__: Any) -> Any:
        tried.append(address)
        release.wait(5)
        raise ConnectionRefusedError

    try:
        for what, fake in (("create_connection", deaf), ("getaddrinfo", lambda *_, **__: release.wait(5))):
            monkeypatch.setattr(socket, what, fake)
            started = monotonic()
            with pytest.raises(Refused, match=r"No answer within 0\.1 seconds"):
                Poster(allow_private=True, limit_seconds=0.1).post(receiver.url, b"{}", {})
            assert monotonic() - started < 2
    finally:
        release.set()
    assert len(tried) == 1


def test_who_may_manage_webhooks(post: Post, world: World, receiver: Receiver):
    new = endpoint_of(post, world, receiver)
    elsewhere = post.run(lambda db_session: factories.make_studio(db_session, name="Elsewhere"))
    for actor, refusal in (
        (factories.staff_actor(world.studio, Role.MANAGER), Forbidden),
        (factories.staff_actor(elsewhere, Role.OWNER), NotFound),
    ):
        with Session(post.engine) as db_session:
            mine = service(db_session)
            of_studio: dict[str, Any] = {"studio_id": world.studio.id, "actor": actor}
            with pytest.raises(refusal):
                mine.add_endpoint(url="https://example.org", **of_studio)
            with pytest.raises(refusal):
                mine.endpoints(**of_studio)
            for call in (mine.rotate_secret, mine.end_old_secret, mine.disable, mine.enable, mine.log):
                with pytest.raises(refusal):
                    call(endpoint_id=new.endpoint.id, actor=actor)


def test_a_secret_is_shown_once_and_stands_in_no_history(post: Post, world: World, receiver: Receiver):
    new = endpoint_of(post, world, receiver)

    assert new.secret.startswith("whsec_")
    acts = post.run(
        lambda db_session: list(
            db_session.scalars(select(ReservationHistory).where(ReservationHistory.action.startswith("webhook.")))
        )
    )
    assert [one.action for one in acts] == ["webhook.added"]
    assert new.secret.removeprefix("whsec_") not in json.dumps(acts[0].details)
    assert new.secret not in repr(new.endpoint)


def test_an_endpoint_that_cannot_be_meant_is_refused_field_by_field(world: World):
    owner = factories.staff_actor(world.studio, Role.OWNER)
    with pytest.raises(InvalidRequest) as refused:
        WebhookService(world.db_session).add_endpoint(
            studio_id=world.studio.id,
            url="https://10.0.0.7/",
            events=["reservation.dreamt"],
            description="x" * 201,
            actor=owner,
        )

    assert sorted(refused.value.values["errors"]) == ["description", "events", "url"]


def test_the_page_for_developers_is_that_of_the_models():
    assert PAGE.read_text() == page(), (
        "python -m studio_reservations.notifications.payload_docs > docs/developers/webhooks.md"
    )


def test_what_every_service_writes_makes_a_documented_body(post: Post, world: World, receiver: Receiver):
    """A whole life, by the real services: each event is delivered, none is parked for lack of a field."""
    endpoint_of(post, world, receiver)
    for _ in _life(world):
        world.db_session.commit()
    expected = post.run(lambda db_session: list(db_session.scalars(select(OutboxMessage.event))))

    counts = post.deliver(as_of=THEN)
    assert counts["parked"] == 0, [one.last_error for one in post.deliveries()]
    told = sorted(one["type"] for one in receiver.json())
    assert told == sorted({"session.moved": "session.moved"}.get(one, one) for one in _once(expected, "session.moved"))
    assert {"reservation.created", "reservation.rescheduled", "reservation.checked_in", "session.cancelled"} <= set(
        told
    )


def _once(events: list[str], event: str) -> list[str]:
    return [one for one in events if one != event] + [event] * (event in events)


def _life(world: World) -> Iterator[None]:
    from studio_reservations.services.attendance import AttendanceService
    from studio_reservations.services.check_in import CheckInService
    from studio_reservations.services.class_sessions import ClassSessionService
    from studio_reservations.services.registrations import RegistrationService
    from studio_reservations.services.reservations import ReservationService
    from tests.factories import NOW

    db_session, studio = world.db_session, world.studio
    me, staff = factories.customer_actor(world.customer), factories.staff_actor(studio, Role.OWNER)
    at: dict[str, Any] = {"clock": lambda: NOW}
    sessions = [
        factories.make_session(db_session, world.studio_class, starts_at=NOW + timedelta(days=days, hours=1))
        for days in (0, 2, 3, 4)
    ]
    reservations = ReservationService(db_session, **at)
    today, second = (
        reservations.create_reservation(actor=me, session_id=one.id, registration_id=world.held.id)
        for one in sessions[:2]
    )
    yield
    reservations.reschedule(actor=me, reservation_id=second.reservation_id, session_id=sessions[2].id)
    yield
    fourth = reservations.create_reservation(actor=me, session_id=sessions[3].id, registration_id=world.held.id)
    yield
    reservations.cancel_reservation(actor=me, reservation_id=fourth.reservation_id)
    yield
    check_in = CheckInService(db_session, **at)
    check_in.check_in(reservation_id=today.reservation_id, actor=staff)
    yield
    check_in.undo_check_in(reservation_id=today.reservation_id, actor=staff)
    yield
    later: dict[str, Any] = {"clock": lambda: NOW + timedelta(hours=1)}
    AttendanceService(db_session, **later).mark_no_show(reservation_id=today.reservation_id, actor=staff)
    yield
    schedule = ClassSessionService(db_session, **at)
    schedule.update_session(
        session_id=sessions[2].id, changes={"starts_at": sessions[2].starts_at + timedelta(hours=2)}, actor=staff
    )
    yield
    schedule.cancel_session(session_id=sessions[2].id, actor=staff)
    yield
    RegistrationService(db_session, **at).freeze(registration_id=world.held.id, actor=staff)
    yield


def endpoint_of(post: Post, world: World, receiver: Receiver) -> NewSecret:
    world.db_session.commit()
    return post.run(lambda db_session: add(db_session, world, receiver.url + "/hooks"))


def add(db_session: Session, world: World, url: str) -> NewSecret:
    owner = factories.staff_actor(world.studio, Role.OWNER)
    return service(db_session).add_endpoint(studio_id=world.studio.id, url=url, actor=owner)


def service(db_session: Session, now: datetime = THEN) -> WebhookService:
    return WebhookService(db_session, clock=lambda: now, allow_private=True)


def tell(world: World, *, at: datetime = THEN) -> None:
    """Tell of something that no customer is told of."""
    seat = world.seat()
    about = {"customer_id": str(world.customer.id), "reservation_id": str(seat.id)}
    world.tell("reservation.attended", about, of=seat, at=at)
    world.db_session.commit()


def fresh(post: Post, endpoint_id: Any) -> WebhookEndpoint:
    return post.run(lambda db_session: db_session.get_one(WebhookEndpoint, endpoint_id))


def _over(db_session: Session, endpoint_id: Any) -> None:
    endpoint = db_session.get_one(WebhookEndpoint, endpoint_id)
    assert endpoint.previous_secret_until == THEN + timedelta(days=1)
    endpoint.previous_secret_until = THEN
