"""``flask studio webhooks``: where a studio's events go."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.database import reading, run_in_transaction
from studio_reservations.models import OutboxDelivery, OutboxMessage, WebhookEndpoint
from tests import factories

URL = "https://example.org/hooks"


@pytest.fixture
def slug(app: Flask) -> str:
    with app.app_context():
        return run_in_transaction(lambda db_session: factories.make_studio(db_session, slug="clay").slug)


def test_an_address_is_added_listed_rotated_and_switched_off_and_on(app: Flask, slug: str):
    added = run(app, "add", "--studio", slug, "--url", URL, "--event", "reservation.created")
    endpoint_id, secret = added.split()
    assert secret.startswith("whsec_")
    assert run(app, "list", "--studio", slug) == f"{endpoint_id}  on  {URL}  reservation.created\n"

    rotated = run(app, "rotate", endpoint_id).strip()
    with app.app_context(), reading() as db_session:
        row = db_session.scalars(select(WebhookEndpoint)).one()
        assert (row.secret, row.previous_secret) == (rotated, secret)

    again = app.test_cli_runner().invoke(args=["studio", "webhooks", "rotate", endpoint_id])
    assert (again.exit_code, "The secret before this one is valid until" in again.output) == (1, True)
    assert run(app, "end-old-secret", endpoint_id) == "The old secret is valid no more.\n"
    assert run(app, "test", endpoint_id) == "A test is on its way.\n"
    assert "webhook.test  DUE  not tried yet" in run(app, "log", endpoint_id)

    assert run(app, "disable", endpoint_id) == "Switched off.\n"
    assert "off (Switched off by the studio.)" in run(app, "list", "--studio", slug)
    assert run(app, "enable", endpoint_id) == "Switched on.\n"
    assert secret not in run(app, "list", "--studio", slug)

    assert run(app, "remove", "--yes", endpoint_id) == "Removed.\n"
    assert "nowhere yet" in run(app, "list", "--studio", slug)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "--studio", "clay", "--url", "https://10.0.0.7/"), "url: Write an address on the public internet."),
        (("add", "--studio", "clay", "--url", URL, "--event", "x"), "events: Choose among:"),
        (("list", "--studio", "nowhere"), "There is no such studio or webhook."),
        (("rotate", "00000000-0000-0000-0000-000000000000"), "There is no such studio or webhook."),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(app: Flask, slug: str, arguments: tuple[str, ...], sentence: str):
    answer = app.test_cli_runner().invoke(args=["studio", "webhooks", *arguments])

    assert answer.exit_code == 1
    assert sentence in answer.output


def test_a_studio_without_webhooks_is_told_how_to_add_one(app: Flask, slug: str):
    assert "flask studio webhooks add" in run(app, "list", "--studio", slug)


def run(app: Flask, *arguments: str) -> str:
    answer = app.test_cli_runner().invoke(args=["studio", "webhooks", *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_what_was_parked_is_shown_and_sent_again(app: Flask, slug: str):
    endpoint_id, _ = run(app, "add", "--studio", slug, "--url", URL).split()
    with app.app_context():
        delivery_id = run_in_transaction(lambda db_session: _parked(db_session, endpoint_id))
    runner = app.test_cli_runner()

    shown = runner.invoke(args=["studio", "messages", "parked", "--studio", slug]).output
    assert shown.startswith(f"{delivery_id}  WEBHOOK  session.cancelled")
    assert "20 attempts: It answered 500" in shown
    assert f"{delivery_id}  2026-12-01 15:00Z  session.cancelled  PARKED  It answered 500" in run(
        app, "log", endpoint_id
    )

    run(app, "disable", endpoint_id)
    refused = runner.invoke(args=["studio", "messages", "retry", str(delivery_id)])
    assert (refused.exit_code, "Switch it on first." in refused.output) == (1, True)
    run(app, "enable", endpoint_id)
    again = runner.invoke(args=["studio", "messages", "retry", str(delivery_id)])
    assert again.output == f"{delivery_id}  DUE\n"
    assert runner.invoke(args=["studio", "messages", "parked", "--studio", slug]).output == "Nothing is parked.\n"
    assert run(app, "redeliver", str(delivery_id)) == f"{delivery_id}  is sent again.\n"
    assert "not tried yet" in run(app, "log", endpoint_id)
    assert runner.invoke(args=["studio", "messages", "retry", endpoint_id]).exit_code == 1


def _parked(db_session: Session, endpoint_id: str) -> UUID:
    endpoint = db_session.get_one(WebhookEndpoint, UUID(endpoint_id))
    message = OutboxMessage(
        studio_id=endpoint.studio_id,
        event="session.cancelled",
        payload={},
        dedupe_key="one",
        expanded_at=factories.NOW,
        created_at=factories.NOW,
    )
    db_session.add(message)
    db_session.flush()
    delivery = OutboxDelivery(
        studio_id=endpoint.studio_id,
        message_id=message.id,
        endpoint_id=endpoint.id,
        channel="WEBHOOK",
        recipient=endpoint_id,
        state="PARKED",
        attempts=20,
        last_error="It answered 500",
        created_at=factories.NOW,
    )
    db_session.add(delivery)
    db_session.flush()
    return delivery.id
