"""Staff and roles, tokens, webhooks, messages, jobs and the history, as those who run a studio use them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

import studio_reservations
from studio_reservations.admin.audit_words import ACTS
from studio_reservations.admin.message_words import TEMPLATES
from studio_reservations.models import (
    ApiToken,
    CustomerStudio,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    ReservationHistory,
    StudioStaff,
    WebhookEndpoint,
)
from studio_reservations.services.message_samples import TEMPLATES as KNOWN_TEMPLATES
from studio_reservations.services.tokens import token_hash
from tests import host
from tests.admin.conftest import press, told
from tests.api.test_queries import counting
from tests.factories import NOW

STUDIO = "/admin/studio"
SECRET = re.compile(r'id="secret"[^>]*value="([^"]+)"')


def secrets_in(answer) -> list[str]:
    return [unescape(one) for one in SECRET.findall(answer.text)]


def acts(stored, action: str) -> list[ReservationHistory]:
    return list(stored.scalars(select(ReservationHistory).where(ReservationHistory.action == action)))


def staff_of(stored, kiln, user_id: str) -> StudioStaff:
    return stored.scalars(
        select(StudioStaff).where(StudioStaff.studio_id == kiln.own.studio, StudioStaff.user_id == user_id)
    ).one()


@pytest.fixture
def by_address(portal):
    """Let the portal find its users by their address."""
    state = portal.extensions["studio_reservations"]
    state.identity._by_email = lambda email: host.db.session.query(host.User).filter_by(email=email).one_or_none()


@pytest.mark.usefixtures("by_address")
def test_an_owner_adds_a_portal_user_by_address(as_role, stored, kiln):
    owner = as_role("owner")
    user = stored.query(host.User).filter_by(email="nobody@example.org").one()

    page = told(owner, press(owner, f"{STUDIO}/staff/new", email="nobody@example.org", role="front_desk"))

    assert "Nobody is front desk at Kiln Street from now on." in page
    assert staff_of(stored, kiln, str(user.id)).role == "front_desk"
    assert acts(stored, "staff.added")[-1].performed_by == str(
        stored.query(host.User).filter_by(email="owner@example.org").one().id
    )
    assert "Sessions" in as_role("nobody").get(f"{STUDIO}/").text


@pytest.mark.parametrize("email", ["who@example.org", "", "=1"])
@pytest.mark.usefixtures("by_address")
def test_whom_the_portal_does_not_know_cannot_be_added(as_role, email):
    answer = press(as_role("owner"), f"{STUDIO}/staff/new", email=email, role="front_desk")

    assert answer.status_code == 200
    assert ("The portal has no user with this address" if email else "Write the address") in answer.text


def test_the_last_owner_stays(as_role, stored, kiln):
    owner = as_role("owner")
    last = stored.scalars(select(StudioStaff).where(StudioStaff.role == "owner")).one()

    demoted = press(owner, f"{STUDIO}/staff/{last.id}/role", role="manager")
    refused = owner.get(demoted.headers["Location"]).text
    gone = press(owner, f"{STUDIO}/staff/{last.id}/deactivate")

    assert "Make somebody else an owner first." in refused
    assert gone.status_code == 409
    assert "Make somebody else an owner first." in gone.text
    stored.refresh(last)
    assert (last.role, last.active) == ("owner", True)


def test_whoever_is_let_go_sees_nothing_any_more(portal, as_role):
    owner, desk = as_role("owner"), as_role("front_desk")
    with portal.app_context():
        member = host.db.session.scalars(select(StudioStaff).where(StudioStaff.role == "front_desk")).one()

    confirm = owner.get(f"{STUDIO}/staff/{member.id}/deactivate").text
    press(owner, f"{STUDIO}/staff/{member.id}/deactivate")

    assert "They can be let in again." in confirm
    assert desk.get(f"{STUDIO}/").status_code == 404
    press(owner, f"{STUDIO}/staff/{member.id}/role", role="instructor")
    assert desk.get(f"{STUDIO}/").status_code == 200
    with portal.app_context():
        assert [one.to_status for one in acts(host.db.session, "staff.added")] == ["instructor"]


def test_a_token_is_shown_once_and_nowhere_else(portal, as_role, stored, kiln, caplog):
    owner = as_role("owner")

    answer = press(
        owner, f"{STUDIO}/tokens/new", name="Newsletter", role="front_desk", scope="read", expires_at="2026-12-31"
    )
    [secret] = secrets_in(answer)
    listed = owner.get(f"{STUDIO}/tokens/").text

    token = stored.scalars(select(ApiToken).where(ApiToken.token_hash == token_hash(secret))).one()
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret not in "".join(answer.headers.getlist("Set-Cookie"))
    assert secret not in caplog.text
    assert (token.role, token.scope, token.expires_at.isoformat()) == (
        "front_desk",
        "read",
        "2027-01-01T05:00:00+00:00",
    )
    assert "Newsletter" in listed
    assert secret not in listed
    assert secret not in str([one.details for one in acts(stored, "token.created")])
    roster = f"/api/staff/sessions/{kiln.own.session}/roster"
    assert portal.test_client().get(roster, headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_revoked_token_is_worthless(as_role, stored, kiln):
    owner = as_role("owner")

    page = told(owner, press(owner, f"{STUDIO}/tokens/{kiln.own.token}/revoke"))

    assert "The token for The shop is worthless from now on." in page
    assert stored.get_one(ApiToken, kiln.own.token).revoked_at == NOW
    assert len(acts(stored, "token.revoked")) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": ""}, "Write what the token is for."),
        ({"role": "customer"}, "The studio knows no customer with this address."),
        (
            {"role": "customer", "customer_id": "priya@another.example"},
            "The studio knows no customer with this address.",
        ),
        ({"expires_at": "2026-11-30"}, "Choose a day that is not over."),
        ({"expires_at": "9999-12-31"}, "Choose a day up to 2099"),
        ({"role": "king"}, "Not a valid choice"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(as_role, stored, values, sentence):
    before = stored.query(ApiToken).count()

    answer = press(
        as_role("owner"), f"{STUDIO}/tokens/new", **({"name": "X", "role": "manager", "scope": "read"} | values)
    )

    assert sentence in answer.text
    assert stored.query(ApiToken).count() == before


def test_a_token_of_a_customer_opens_nothing_of_another_studio(as_role, stored, kiln):
    owner, fields = as_role("owner"), {"name": "Sync", "role": "customer", "customer_id": "priya@kiln.example"}
    made = press(owner, f"{STUDIO}/tokens/new", scope="read", **fields)
    stored.add(CustomerStudio(studio_id=kiln.foreign.studio, customer_id=kiln.own.customer, created_at=NOW))
    stored.commit()

    refused = press(owner, f"{STUDIO}/tokens/new", scope="read", **fields)

    assert secrets_in(made)
    assert "Another studio knows this customer too" in refused.text
    assert not secrets_in(refused)


def test_a_webhook_is_added_with_a_secret_shown_once(as_role, stored, kiln):
    owner = as_role("owner")

    answer = press(
        owner,
        f"{STUDIO}/webhooks/new",
        url="https://hooks.example/in",
        which="some",
        events=["reservation.created", "session.moved"],
    )
    [secret] = secrets_in(answer)
    endpoint = stored.scalars(select(WebhookEndpoint).where(WebhookEndpoint.url == "https://hooks.example/in")).one()
    page = owner.get(f"{STUDIO}/webhooks/{endpoint.id}/").text
    assert (secret, endpoint.events) == (endpoint.secret, ["reservation.created", "session.moved"])
    assert secret not in page
    assert "Nothing has been sent there yet." in page

    rotated = press(owner, f"{STUDIO}/webhooks/{endpoint.id}/rotate")

    stored.refresh(endpoint)
    assert secrets_in(rotated) == [endpoint.secret]
    assert endpoint.secret != endpoint.previous_secret == secret
    assert "is valid until" in press(owner, f"{STUDIO}/webhooks/{endpoint.id}/rotate").text
    assert "valid no more" in told(owner, press(owner, f"{STUDIO}/webhooks/{endpoint.id}/end-old-secret"))
    stored.refresh(endpoint)
    assert endpoint.previous_secret is None


@pytest.mark.parametrize(
    ("url", "which", "sentence"),
    [
        ("http://hooks.example", "all", "starts with https://"),
        ("https://10.0.0.1/", "all", "on the public internet"),
        ("https://hooks.example", "some", "Choose among"),
    ],
)
def test_an_address_that_does_not_fit_is_said_at_its_field(as_role, url, which, sentence):
    answer = press(as_role("owner"), f"{STUDIO}/webhooks/new", url=url, which=which)

    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_webhook_is_tried_switched_off_and_on_and_removed(as_role, stored, kiln):
    owner, path = as_role("owner"), f"{STUDIO}/webhooks/{kiln.own.endpoint}"

    told(owner, press(owner, f"{path}/test"))
    stored.expire_all()
    test = stored.scalars(select(OutboxDelivery).where(OutboxDelivery.endpoint_id == kiln.own.endpoint)).one()
    assert stored.get_one(OutboxMessage, test.message_id).event == "webhook.test"
    told(owner, press(owner, f"{path}/disable"))
    assert "Switch it on first." in told(owner, press(owner, f"{path}/test"))
    told(owner, press(owner, f"{path}/enable"))
    stored.expire_all()
    assert stored.get_one(OutboxDelivery, test.id).state == DeliveryState.PARKED
    assert "sent again within a minute" in told(owner, press(owner, f"{STUDIO}/messages/{test.id}/send-again"))

    page = told(owner, press(owner, f"{path}/remove"))

    stored.expire_all()
    assert "The address is removed." in page
    assert stored.get(WebhookEndpoint, kiln.own.endpoint) is None
    gone = stored.get_one(OutboxDelivery, test.id)
    assert (gone.state, gone.endpoint_id) == (DeliveryState.DROPPED, None)
    assert "There is nothing left to send" in told(owner, press(owner, f"{STUDIO}/messages/{test.id}/send-again"))
    assert {one.action for one in stored.scalars(select(ReservationHistory))} >= {
        *("webhook.enabled", "webhook.disabled", "webhook.removed", "message.sent_again")
    }


def test_parked_messages_come_first_and_say_why(as_role, stored, kiln):
    stored.add(
        OutboxDelivery(
            studio_id=kiln.own.studio,
            message_id=stored.get_one(OutboxDelivery, kiln.own.delivery).message_id,
            channel="EMAIL",
            recipient="old@kiln.example",
            template="confirmation",
            state="PARKED",
            attempts=8,
            last_status=550,
            last_error="5.1.1 User unknown",
            created_at=NOW,
        )
    )
    stored.commit()
    manager = as_role("manager")

    page = manager.get(f"{STUDIO}/messages/").text
    parked = re.findall(r"/messages/([0-9a-f-]{36})/", page)[0]
    told(manager, press(manager, f"{STUDIO}/messages/{parked}/send-again"))

    assert "there is no such mailbox. Correct the customer’s address" in page
    stored.expire_all()
    again = stored.get_one(OutboxDelivery, UUID(parked))
    assert (again.recipient, again.state, again.attempts) == ("old@kiln.example", "DUE", 0)


def test_a_letter_is_shown_alone_where_it_can_do_nothing(as_role, kiln):
    manager, path = as_role("manager"), f"{STUDIO}/messages/{kiln.own.delivery}/"

    page, letter = manager.get(path).text, manager.get(f"{path}letter")

    assert f'src="{path}letter" sandbox' in page
    assert "Subject" in page
    assert "You have a seat" in letter.text
    assert "default-src 'none'" in letter.headers["Content-Security-Policy"]
    assert letter.headers["Content-Security-Policy"].endswith("sandbox")
    assert "/messages/" not in letter.text  # nor a link by which somebody else could change what the customer gets


@pytest.mark.parametrize("name", KNOWN_TEMPLATES)
def test_every_letter_can_be_looked_at_with_what_the_studio_has(as_role, name):
    page = as_role("manager").get(f"{STUDIO}/messages/templates/?message={name}").text

    assert name in TEMPLATES
    assert "cannot be filled" not in page
    has_none = {"pass_expiring", "auto_cancellation", "cancelled", "cancelled_by_studio", "late_charge"}
    assert ("The studio has nothing yet" in page) == (name in has_none)


def test_a_letter_that_does_not_exist_is_no_error(as_role):
    manager = as_role("manager")

    assert "Choose a letter to see it." in manager.get(f"{STUDIO}/messages/templates/?message=../x").text
    assert manager.get(f"{STUDIO}/messages/templates/letter?message=x").status_code == 200


def test_jobs_say_what_is_due_by_the_studios_clock_and_what_ran(as_role):
    page = as_role("manager").get(f"{STUDIO}/jobs/").text

    assert "10:00 now, America/Toronto" in page
    assert re.search(r"Find no-shows</dt><dd>Wed 2 Dec, 01:00", page)
    assert "2 no shows" in page


def test_without_a_queue_it_is_said_and_nothing_breaks(portal, as_role):
    manager = as_role("manager")
    state = portal.extensions["studio_reservations"]
    object.__setattr__(state.settings, "redis_url", "redis://127.0.0.1:1/0")

    page = manager.get(f"{STUDIO}/jobs/").text
    asked = told(manager, press(manager, f"{STUDIO}/jobs/run"))

    assert "The queue cannot be reached" in page
    assert "Run what is due now" not in page
    assert "The queue cannot be reached" in asked


def test_a_night_is_asked_for_once(portal, as_role, stored, kiln, redis_url):
    state = portal.extensions["studio_reservations"]
    object.__setattr__(state.settings, "redis_url", redis_url)
    manager = as_role("manager")

    first, second = (told(manager, press(manager, f"{STUDIO}/jobs/run")) for _ in range(2))

    assert "The workers are asked for the night of Kiln Street." in first
    assert "waits already, or is under way" in second
    assert len(acts(stored, "studio.night_asked_for")) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=priya", True),
        ("search=glazing+priya", True),
        ("act=reservation.created&by=CUSTOMER", True),
        ("day_from=2026-12-01&day_to=2026-12-01&class=glazing", True),
        ("number={pending}", True),
        ("number={session}", True),
        ("who=nobody", False),
        ("by=STAFF", False),
        ("number={foreign}", False),
    ],
)
def test_the_history_is_found_by_anything(as_role, kiln, query, found):
    query = query.format(pending=kiln.own.pending, session=kiln.own.session, foreign=kiln.foreign.pending)

    page = as_role("manager").get(f"{STUDIO}/history/?{query}").text

    assert ("Reserved: Glazing at Kiln Street, Tue 1 Dec, 14:00" in page) == found
    assert "Another studio" not in page


def test_a_number_that_is_none_is_a_sentence(as_role):
    assert "is no number of anything here" in as_role("manager").get(f"{STUDIO}/history/?number=12").text


def test_the_history_is_exported_as_it_reads(as_role):
    export = as_role("manager").get(f"{STUDIO}/history/export.csv?act=reservation.created").data.decode("utf-8-sig")

    assert export.splitlines()[1].startswith("2026-12-01 10:00:00,Priya Singh,")
    assert "Reserved: Glazing at Kiln Street" in export


def test_every_act_has_words():
    """A service that writes a new act names it in `audit_words` too."""
    root = Path(studio_reservations.__file__).parent
    subjects = {name.partition(".")[0] for name in ACTS}
    written = {
        name
        for file in (root / "services").rglob("*.py")
        for name in re.findall(r'"([a-z]+\.[a-z_]+)"', file.read_text(encoding="utf-8"))
        if name.partition(".")[0] in subjects
    }

    assert written <= set(ACTS)


@pytest.mark.parametrize("address", ["history", "messages", "tokens", "staff", "webhooks", "jobs"])
def test_a_list_of_many_costs_what_one_costs(portal, as_role, stored, kiln, address):
    owner, path = as_role("owner"), f"{STUDIO}/{address}/"
    one = {
        "history": (ReservationHistory, kiln.own.act, {}),
        "messages": (OutboxDelivery, kiln.own.delivery, {"recipient": "{}@kiln.example"}),
        "tokens": (ApiToken, kiln.own.token, {"token_hash": "{}"}),
        "staff": (StudioStaff, kiln.own.staff, {"user_id": "many-{}"}),
        "webhooks": (WebhookEndpoint, kiln.own.endpoint, {}),
        "jobs": (studio_reservations.models.JobRun, kiln.own.run, {"job": "{}"}),
    }
    model, row_id, unique = one[address]
    owner.get(path)
    with counting(portal) as few:
        owner.get(path)
    row = stored.get_one(model, row_id)
    columns = {name.key: getattr(row, name.key) for name in model.__mapper__.column_attrs if name.key != "id"}
    for number in range(60):
        stored.add(model(**columns | {name: value.format(number) for name, value in unique.items()}))
    stored.commit()
    with counting(portal) as many:
        page = owner.get(path).text

    assert len(many) == len(few), many
    assert 'rel="next"' in page
