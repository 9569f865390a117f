"""``flask studio webhooks …``: where a studio's events go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from studio_reservations.database import run_in_transaction
from studio_reservations.errors import InvalidRequest, NotFound, TryAgain
from studio_reservations.notifications.payloads import EVENTS
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.studios import studio_by_slug
from studio_reservations.services.webhooks import WebhookService
from studio_reservations.state import current_state

T = TypeVar("T")

webhooks = AppGroup("webhooks", help="Say where a studio's events go.")


@webhooks.command("add")
@click.option("--studio", "slug", required=True, help="The studio's slug.")
@click.option("--url", required=True, help="Where to post, starting with https://.")
@click.option("--event", "events", multiple=True, metavar="NAME", help=f"One of {', '.join(EVENTS)}; default: all.")
@click.option("--description", help="What it is for.")
def add_command(slug: str, url: str, events: tuple[str, ...], description: str | None) -> None:
    """Send events to an address, and print the secret that signs them. It is not shown again: copy it now."""

    def work(service: WebhookService) -> tuple[UUID, str]:
        studio = studio_by_slug(service.db_session, slug)
        new = service.add_endpoint(
            studio_id=studio.id, url=url, events=list(events) or None, description=description, actor=SYSTEM
        )
        return new.endpoint.id, new.secret

    endpoint_id, secret = _run(work)
    click.echo(f"{endpoint_id}\n{secret}")


@webhooks.command("list")
@click.option("--studio", "slug", required=True, help="The studio's slug.")
def list_command(slug: str) -> None:
    """Show where a studio's events go."""

    def work(service: WebhookService) -> list[str]:
        studio = studio_by_slug(service.db_session, slug)
        return [
            f"{one.id}  {_state(one.disabled_reason, off=one.disabled_at is not None, failing=one.failing_since is not None)}"
            f"  {one.url}  {', '.join(one.events) if one.events else 'all events'}"
            for one in service.endpoints(studio_id=studio.id, actor=SYSTEM)
        ]

    for line in _run(work) or ["Its events go nowhere yet: flask studio webhooks add …"]:
        click.echo(line)


@webhooks.command("rotate")
@click.argument("endpoint_id", type=click.UUID)
def rotate_command(endpoint_id: UUID) -> None:
    """Print a new secret; the old one is valid for another day."""
    click.echo(_run(lambda service: service.rotate_secret(endpoint_id=endpoint_id, actor=SYSTEM).secret))


@webhooks.command("end-old-secret")
@click.argument("endpoint_id", type=click.UUID)
def end_old_secret_command(endpoint_id: UUID) -> None:
    """Sign with the newest secret alone from now on, as where the one before has leaked."""
    _run(lambda service: service.end_old_secret(endpoint_id=endpoint_id, actor=SYSTEM).id)
    click.echo("The old secret is valid no more.")


@webhooks.command("test")
@click.argument("endpoint_id", type=click.UUID)
def test_command(endpoint_id: UUID) -> None:
    """Send an event that says nothing but that it arrives; its answer stands in the log."""
    _run(lambda service: service.send_test(endpoint_id=endpoint_id, actor=SYSTEM).id)
    click.echo("A test is on its way.")


@webhooks.command("remove")
@click.argument("endpoint_id", type=click.UUID)
@click.confirmation_option(prompt="Forget the address and its secret, and drop what waits for it?")
def remove_command(endpoint_id: UUID) -> None:
    """Forget an address and its secret; what waits for it is dropped."""
    _run(lambda service: service.remove(endpoint_id=endpoint_id, actor=SYSTEM))
    click.echo("Removed.")


@webhooks.command("disable")
@click.argument("endpoint_id", type=click.UUID)
def disable_command(endpoint_id: UUID) -> None:
    """Send nothing there any more; what waits is kept."""
    _run(lambda service: service.disable(endpoint_id=endpoint_id, actor=SYSTEM).id)
    click.echo("Switched off.")


@webhooks.command("enable")
@click.argument("endpoint_id", type=click.UUID)
def enable_command(endpoint_id: UUID) -> None:
    """Send events there again, from now on."""
    _run(lambda service: service.enable(endpoint_id=endpoint_id, actor=SYSTEM).id)
    click.echo("Switched on.")


@webhooks.command("log")
@click.argument("endpoint_id", type=click.UUID)
def log_command(endpoint_id: UUID) -> None:
    """Show what was sent there, or tried, the newest first."""
    for one in _run(lambda service: service.log(endpoint_id=endpoint_id, actor=SYSTEM)):
        result = one["last_error"] or one["last_status"] or "not tried yet"
        click.echo(f"{one['id']}  {one['created_at']:%Y-%m-%d %H:%M}Z  {one['event']}  {one['state']}  {result}")


@webhooks.command("redeliver")
@click.argument("delivery_ids", type=click.UUID, nargs=-1, required=True)
def redeliver_command(delivery_ids: tuple[UUID, ...]) -> None:
    """Send events of the log once more, under the ids by which the receiver knows them."""
    for one in delivery_ids:
        _run(lambda service, one=one: service.redeliver(delivery_id=one, actor=SYSTEM).id)  # type: ignore[misc]
        click.echo(f"{one}  is sent again.")


def _state(reason: str | None, *, off: bool, failing: bool) -> str:
    return f"off ({reason})" if off else "failing" if failing else "on"


def _run(work: Callable[[WebhookService], T]) -> T:
    state = current_state()

    def inside(db_session: Session) -> T:
        allow_private = state.settings.webhook_allow_private
        return work(WebhookService(db_session, clock=state.clock, allow_private=allow_private))

    try:
        return run_in_transaction(inside)
    except NotFound as error:
        raise click.ClickException("There is no such studio or webhook.") from error
    except InvalidRequest as error:
        listed = "\n".join(f"{field}: {sentence}" for field, sentence in error.values["errors"].items())
        raise click.ClickException(listed) from error
    except TryAgain as error:
        raise click.ClickException("The database was busy; nothing was changed. Run it again.") from error
