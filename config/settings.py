"""The reference portal's configuration, from environment variables.

``PORTAL_ENV`` is ``production`` (default), ``development`` or ``demo``. The others: ``SECRET_KEY`` (required in production),
``DATABASE_URL`` (required in production; elsewhere an SQLite file in ``instance/``), ``REDIS_URL`` (the Redis of the jobs, by
default the one on this machine; with it, calls to the API are counted for all processes at once), ``STUDIO_TIMETABLE`` (by
default `config.timetable`), ``STUDIO_PASS_TYPES`` (dotted names with commas between them), ``STUDIO_CLOCK`` (outside production),
and what messages need: see `MESSAGES`, ``STUDIO_WEBHOOK_ALLOW_PRIVATE`` and ``STUDIO_DELIVERY_ATTEMPTS``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click import ClickException

ENVIRONMENTS = ("production", "development", "demo")
MESSAGES = ("STUDIO_SMTP_URL", "STUDIO_MAIL_FROM", "STUDIO_SMS_URL", "STUDIO_PUBLIC_URL", "STUDIO_RESERVATION_URL")
INSTANCE = Path(__file__).resolve().parents[1] / "instance"


class SettingsMissing(ClickException, RuntimeError):
    """The portal cannot start; the text says what to set. A command prints it as a sentence."""


def settings(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the portal's Flask configuration. :raises SettingsMissing: where something needed is not set."""
    kind = environ.get("PORTAL_ENV", "production")
    if kind not in ENVIRONMENTS:
        raise SettingsMissing(f"PORTAL_ENV is {kind!r}; write {', '.join(ENVIRONMENTS[:-1])} or {ENVIRONMENTS[-1]}.")
    production = kind == "production"
    redis_url = environ.get("REDIS_URL")
    configuration: dict[str, Any] = {
        "SECRET_KEY": environ.get("SECRET_KEY") or _secret_key(production),
        "SQLALCHEMY_DATABASE_URI": _database_url(environ.get("DATABASE_URL"), production),
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": production,
        "STUDIO_PRODUCTION": production,
        "STUDIO_DEFAULT_REGION": "CA",
        "STUDIO_BASE_TEMPLATE": "base.html",
        "STUDIO_TIMETABLE": environ.get("STUDIO_TIMETABLE") or "config.timetable:TIMETABLE",
    }
    if redis_url:
        configuration["STUDIO_REDIS_URL"] = redis_url
        configuration["STUDIO_RATE_LIMIT_STORAGE"] = redis_url.replace("unix://", "redis+unix://", 1)
    if clock := environ.get("STUDIO_CLOCK"):
        configuration["STUDIO_CLOCK"] = clock
    if pass_types := environ.get("STUDIO_PASS_TYPES"):
        configuration["STUDIO_PASS_TYPES"] = [one.strip() for one in pass_types.split(",") if one.strip()]
    configuration.update({key: environ[key] for key in MESSAGES if environ.get(key)})
    if allowed := environ.get("STUDIO_WEBHOOK_ALLOW_PRIVATE"):
        configuration["STUDIO_WEBHOOK_ALLOW_PRIVATE"] = _yes_or_no("STUDIO_WEBHOOK_ALLOW_PRIVATE", allowed)
    if attempts := environ.get("STUDIO_DELIVERY_ATTEMPTS"):
        # What is no number is refused by the extension, in its own words.
        configuration["STUDIO_DELIVERY_ATTEMPTS"] = int(attempts) if attempts.isdecimal() else attempts
    return configuration


def _yes_or_no(key: str, value: str) -> bool:
    try:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[value.lower()]
    except KeyError:
        raise SettingsMissing(f"{key} is {value!r}; write true or false.") from None


def _secret_key(production: bool) -> str:
    if production:
        raise SettingsMissing(
            "SECRET_KEY is not set, and without it anybody could log in as anybody. Set it to the output of "
            'python -c "import secrets; print(secrets.token_hex())", or set PORTAL_ENV=development to look around.'
        )
    return "known to everybody: for development only"


def _database_url(url: str | None, production: bool) -> str:
    if url:
        scheme, _, address = url.partition("://")
        # The bare scheme means another driver.
        return f"postgresql+psycopg://{address}" if scheme in ("postgres", "postgresql") else url
    if production:
        raise SettingsMissing("DATABASE_URL is not set, such as postgresql://user:password@host/portal.")
    INSTANCE.mkdir(exist_ok=True)
    return f"sqlite:///{INSTANCE / 'portal.sqlite'}"
