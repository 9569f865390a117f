"""``flask studio create | staff | token …``: who may use what, for the first hour and for integrations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.orm import Session

from studio_reservations.database import run_in_transaction
from studio_reservations.errors import InvalidRequest, StudioError, TryAgain
from studio_reservations.models import Customer, Role, Rollout, Studio, TokenScope
from studio_reservations.services.studios import add_staff, create_studio, studio_by_slug
from studio_reservations.services.tokens import create_token
from studio_reservations.state import current_state

T = TypeVar("T")

staff = AppGroup("staff", help="Say who works in a studio.")
tokens = AppGroup("token", help="Make bearer tokens for the API.")

ROLES = click.Choice([role.value for role in Role])


@click.command("create")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--timezone", required=True, help="IANA name, such as America/Toronto.")
@click.option(
    "--rollout", type=click.Choice([one.value for one in Rollout]), default=Rollout.OFF.value, show_default=True
)
@with_appcontext
def create_studio_command(slug: str, name: str, timezone: str, rollout: str) -> None:
    """Open the studio SLUG. With rollout OFF nobody can reserve yet."""
    now = current_state().clock()

    def work(session: Session) -> None:
        create_studio(session, slug=slug, name=name, timezone=timezone, rollout=Rollout(rollout), now=now)

    _run(work)
    click.echo(f"{slug}: {name}, {timezone}, reservations {rollout}.")


@staff.command("add")
@click.option("--studio", "slug", required=True, help="The studio's slug.")
@click.option("--role", type=ROLES, required=True)
@click.option("--user-id", help="The portal's id of the user.")
@click.option("--email", help="The user's address in the portal, instead of the id.")
@click.option("--name", help="How customers see them; default: the portal's name where it is known.")
def add_staff_command(slug: str, role: str, user_id: str | None, email: str | None, name: str | None) -> None:
    """Give a portal user a role in a studio, or change it."""
    if (user_id is None) == (email is None):
        raise click.UsageError("Give either --user-id or --email.")
    state = current_state()
    if user_id is None:
        user = state.identity.user_by_email(str(email))
        if user is None:
            raise click.ClickException(
                f"The portal knows no user {email}, or cannot be asked by address: give --user-id, "
                "or LoginIdentity(by_email=…) to the extension."
            )
        user_id, name = user.id, name or user.name
    now, portal_id = state.clock(), user_id

    def work(session: Session) -> None:
        add_staff(session, studio=_studio(session, slug), user_id=portal_id, role=Role(role), name=name, now=now)

    _run(work)
    click.echo(f"Portal user {portal_id} is {role} of {slug}.")


@tokens.command("create")
@click.option("--studio", "slug", help="The slug of the studio it is of; with --role.")
@click.option("--role", type=ROLES)
@click.option("--customer", "customer_id", type=click.UUID, help="Or the id of the customer it is of.")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope", type=click.Choice([one.value for one in TokenScope]), default=TokenScope.WRITE.value, show_default=True
)
@click.option("--days", type=click.IntRange(1, 36_500), help="How long it is valid; default: until it is revoked.")
def create_token_command(
    slug: str | None, role: str | None, customer_id: UUID | None, name: str, scope: str, days: int | None
) -> None:
    """Print a new token. It is kept as a hash only: copy it now."""
    if customer_id is None and (slug is None or role is None):
        raise click.UsageError("Give --studio and --role, or --customer.")
    if customer_id is not None and (slug is not None or role is not None):
        raise click.UsageError("A token is of a studio or of a customer: give --customer alone.")
    now = current_state().clock()

    def work(session: Session) -> str:
        if customer_id is not None and session.get(Customer, customer_id) is None:
            raise click.ClickException(f"There is no customer {customer_id}.")
        return create_token(
            session,
            name=name,
            now=now,
            studio_id=_studio(session, slug).id if slug is not None else None,
            role=Role(role) if role is not None else None,
            customer_id=customer_id,
            scope=TokenScope(scope),
            expires_at=now + timedelta(days=days) if days is not None else None,
            created_by="flask studio token create",
        )

    click.echo(_run(work))


def _studio(session: Session, slug: str) -> Studio:
    try:
        return studio_by_slug(session, slug)
    except StudioError:
        raise click.ClickException(f"There is no studio {slug!r}: flask studio create {slug} …") from None


def _run(work: Callable[[Session], T]) -> T:
    try:
        return run_in_transaction(work)
    except InvalidRequest as error:
        listed = "\n".join(f"{field}: {sentence}" for field, sentence in error.values["errors"].items())
        raise click.ClickException(listed) from error
    except TryAgain as error:
        raise click.ClickException("The database was busy; nothing was changed. Run it again.") from error
