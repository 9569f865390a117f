"""``flask studio create | rollout | staff | customer | token …``: who may use what, for the first hour and for integrations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.orm import Session

from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import InvalidRequest, NotFound, StudioError, TryAgain
from studio_reservations.models import Customer, Role, Rollout, Studio, TokenScope
from studio_reservations.sentences import sentence_of
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.services.customers import customers_by_email, require_known, set_internal
from studio_reservations.services.staff import StaffService
from studio_reservations.services.studios import create_studio, set_rollout, studio_by_slug
from studio_reservations.services.tokens import create_token, revoke_token, tokens_of
from studio_reservations.state import current_state

T = TypeVar("T")

staff = AppGroup("staff", help="Say who works in a studio.")
customers = AppGroup("customer", help="Say who is let in early.")
tokens = AppGroup("token", help="Make, list and revoke bearer tokens for the API.")

ROLES = click.Choice([role.value for role in Role])
ROLLOUTS = click.Choice([one.value for one in Rollout], case_sensitive=False)


@click.command("create")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--timezone", required=True, help="IANA name, such as America/Toronto.")
@click.option("--rollout", type=ROLLOUTS, default=Rollout.OFF.value, show_default=True)
@with_appcontext
def create_studio_command(slug: str, name: str, timezone: str, rollout: str) -> None:
    """Open the studio SLUG. With rollout OFF nobody can reserve yet."""
    now = current_state().clock()

    def work(session: Session) -> None:
        create_studio(session, slug=slug, name=name, timezone=timezone, rollout=Rollout(rollout), now=now)

    _run(work)
    click.echo(f"{slug}: {name}, {timezone}, reservations {rollout}.")


@click.command("rollout")
@click.argument("slug")
@click.argument("rollout", type=ROLLOUTS)
@with_appcontext
def rollout_command(slug: str, rollout: str) -> None:
    """Say whom the studio SLUG lets in: OFF nobody, INTERNAL those of `flask studio customer internal`, ON everybody."""
    now = current_state().clock()

    def work(session: Session) -> None:
        studio_id = _studio(session, slug).id
        set_rollout(session, studio_id=studio_id, rollout=Rollout(rollout), actor=_operator("rollout"), now=now)

    _run(work)
    click.echo(f"{slug}: reservations {rollout}.")


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
        StaffService(session, clock=lambda: now).appoint(
            studio_id=_studio(session, slug).id,
            user_id=portal_id,
            role=Role(role),
            name=name,
            actor=_operator("staff add"),
        )

    _run(work)
    click.echo(f"Portal user {portal_id} is {role} of {slug}.")


@customers.command("internal")
@click.argument("who", metavar="EMAIL|ID")
@click.option("--studio", "slug", required=True, help="The studio's slug.")
@click.option(
    "--on/--off", "internal", required=True, help="Let them in while the rollout is INTERNAL, or not any more."
)
def internal_command(who: str, slug: str, internal: bool) -> None:
    """Let a customer whom the studio knows reserve before the others."""
    now = current_state().clock()

    def work(session: Session) -> str:
        studio_id = _studio(session, slug).id
        customer = _customer(session, who, studio_id=studio_id, slug=slug)
        set_internal(
            session,
            studio_id=studio_id,
            customer_id=customer.id,
            internal=internal,
            actor=_operator("customer internal"),
            now=now,
        )
        return customer.name

    name = _run(work)
    click.echo(f"{name} is {'let in' if internal else 'not let in'} while the rollout of {slug} is INTERNAL.")


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


@tokens.command("list")
@click.option("--studio", "slug", help="Of this studio alone.")
def list_tokens_command(slug: str | None) -> None:
    """Print every token's id, name, owner, scope, expiry and revocation; the tokens themselves are not kept."""
    with reading() as session:
        for token, studio_slug, customer_name in tokens_of(
            session, studio_id=_studio(session, slug).id if slug is not None else None
        ):
            owner = f"{token.role} of {studio_slug}" if studio_slug else f"customer {customer_name} {token.customer_id}"
            expires = f"expires {_instant(token.expires_at)}" if token.expires_at else "does not expire"
            revoked = f"revoked {_instant(token.revoked_at)}" if token.revoked_at else "not revoked"
            click.echo(f"{token.id}  {token.name}: {owner}, {token.scope}, {expires}, {revoked}")


@tokens.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
def revoke_token_command(token_id: UUID) -> None:
    """Make the token of that ID worthless at once; `flask studio token list` tells the ids."""
    now = current_state().clock()

    def work(session: Session) -> tuple[str, datetime]:
        try:
            token = revoke_token(session, token_id=token_id, now=now)
        except NotFound:
            raise click.ClickException(f"There is no token {token_id}: flask studio token list") from None
        return token.name, token.revoked_at or now

    name, revoked_at = _run(work)
    click.echo(f"{name}: revoked {_instant(revoked_at)}.")


def _operator(command: str) -> Actor:
    return Actor(kind=ActorKind.SYSTEM, id=f"flask studio {command}")


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _customer(session: Session, who: str, *, studio_id: UUID, slug: str) -> Customer:
    try:
        found = [require_known(session, customer_id=UUID(who), studio_id=studio_id)]
    except ValueError:
        found = customers_by_email(session, studio_id=studio_id, email=who)
    except NotFound:
        found = []
    if not found:
        raise click.ClickException(f"{slug} knows no customer {who}: staff add them, or issue them a pass.")
    if len(found) > 1:
        listed = "\n".join(f"  {one.id}  {one.name}" for one in found)
        raise click.ClickException(f"Several customers have that address; give the id of one:\n{listed}")
    return found[0]


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
    except StudioError as error:
        raise click.ClickException(sentence_of(error)) from error
