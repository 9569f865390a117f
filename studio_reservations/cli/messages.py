"""``flask studio messages …``: what could not be delivered, and another try."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import click
from flask.cli import AppGroup

from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.messages import parked_deliveries, retry_delivery
from studio_reservations.services.studios import studio_by_slug
from studio_reservations.state import current_state

messages = AppGroup("messages", help="Look at messages that could not be delivered.")


@messages.command("parked")
@click.option("--studio", "slug", required=True, help="The studio's slug.")
def parked_command(slug: str) -> None:
    """Show the messages that wait for you, the newest first."""
    try:
        with reading() as db_session:
            studio = studio_by_slug(db_session, slug)
            rows = parked_deliveries(db_session, studio_id=studio.id, actor=SYSTEM)
            lines = [
                f"{one.id}  {one.channel:<7}  {event}  {one.recipient}  {one.attempts} attempts: {one.last_error}"
                for one, event in rows
            ]
    except NotFound as error:
        raise click.ClickException(f"There is no studio {slug!r}.") from error
    for line in lines or ["Nothing is parked."]:
        click.echo(line)


@messages.command("retry")
@click.argument("delivery_ids", type=click.UUID, nargs=-1, required=True)
def retry_command(delivery_ids: tuple[UUID, ...]) -> None:
    """Send parked messages after all, under the ids that they had."""
    now = current_state().clock()
    for one in delivery_ids:
        try:
            again = run_in_transaction(partial(retry_delivery, delivery_id=one, actor=SYSTEM, now=now))
        except NotFound as error:
            raise click.ClickException(f"There is no message {one}.") from error
        except InvalidRequest as error:
            raise click.ClickException(f"{one}: {' '.join(error.values['errors'].values())}") from error
        click.echo(f"{one}  {again.state}")
