"""Every ``STUDIO_*`` key: its default, its unit and what it means. A wrong value stops the start with a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

PREFIX = "STUDIO_"


class SettingsError(ValueError):
    """A ``STUDIO_*`` key is unknown or has a value that cannot be meant; the text says what to write."""


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The extension's settings; `load` makes them from the portal's configuration."""

    api_prefix: str = _setting("/api", "URL prefix of the JSON API, starting with a slash and not ending with one")
    bind_key: str | None = _setting(
        None, "Flask-SQLAlchemy bind that holds the studio tables; None is the default engine"
    )
    clock: str | None = _setting(
        None, "dotted name `package.module:callable` of a clock that returns aware instants; refused in production"
    )
    production: bool = _setting(True, "whether this portal is a real one, where no other clock may be named")
    pass_types: tuple[str, ...] = _setting(
        (), "pass types beside the installed entry points, each a dotted name `package.module:Class`"
    )
    max_body_bytes: int = _setting(65_536, "largest JSON body, in bytes")
    rate_limit: str = _setting("1200 per minute", "calls to the API per caller, as `N per UNIT`; empty switches it off")
    rate_limit_storage: str = _setting("memory://", "where calls are counted, a `limits` storage URL such as redis://…")
    redis_url: str = _setting("redis://localhost:6379/0", "the Redis of the jobs, redis://, rediss:// or unix://")
    queue: str = _setting("studio", "name of the RQ queue that `flask studio worker` reads")
    timetable: str = _setting(
        "studio_reservations.jobs:TIMETABLE", "dotted name `package.module:NAME` of the timetable of the jobs"
    )
    default_region: str = _setting("US", "two-letter region in which a phone number without a country code is read")
    smtp_url: str | None = _setting(
        None,
        "mail server, smtp://user:password@host:port?tls=auto (or required, never) or smtps://…; None keeps mail waiting",
    )
    mail_from: str | None = _setting(None, "address from which mail is sent for studios without a sender address")
    sms_url: str | None = _setting(
        None, "Apprise URL of the SMS provider, with {to} where the number goes; None sends no SMS"
    )
    public_url: str | None = _setting(
        None, "address of the portal such as https://portal.example, for links in mail; None leaves them out"
    )
    pages_prefix: str = _setting("/studio", "URL prefix of the customer's pages, starting with a slash")
    staff_prefix: str = _setting(
        "/studio-staff", "URL prefix of the staff screens in a portal without a Flask-Admin of its own"
    )
    base_template: str | None = _setting(
        None,
        "the portal's own template in which the customer's pages appear, with blocks `title`, `head` and `content`; "
        "None brings a page of their own",
    )
    logout_endpoint: str | None = _setting(
        None,
        "endpoint of the portal that logs out, such as `auth.logout`, for a way out in our own frame: a link where it "
        "answers GET, else a form with the CSRF token",
    )
    reservation_url: str | None = _setting(
        None, "the portal's own page of one reservation with {id} in it; None is ours, under STUDIO_PUBLIC_URL"
    )
    webhook_allow_private: bool = _setting(
        False, "whether webhooks may go to private addresses and over plain http; for tests and closed networks"
    )
    delivery_attempts: int = _setting(20, "how often a message is tried before it is parked for staff")

    @classmethod
    def keys(cls) -> dict[str, tuple[Any, str]]:
        """Return every configuration key with its default and meaning."""
        return {PREFIX + item.name.upper(): (item.default, item.metadata["meaning"]) for item in fields(cls)}


def load(config: Mapping[str, Any]) -> Settings:
    """Make the settings from a portal's configuration.

    :raises SettingsError: for an unknown ``STUDIO_*`` key or a value of the wrong type or form.
    """
    known = Settings.keys()
    given = {key: value for key, value in config.items() if key.startswith(PREFIX)}
    for key in given:
        if key not in known:
            raise SettingsError(
                f"{key} is not a setting of studio-reservations. The settings are: {', '.join(sorted(known))}."
            )
    values = {key.removeprefix(PREFIX).lower(): _checked(key, value, known[key][0]) for key, value in given.items()}
    settings = Settings(**values)
    _check_meaning(settings)
    return settings


def _checked(key: str, value: Any, default: Any) -> Any:
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise SettingsError(f"{key} must be a list of dotted names, not {value!r}.")
        return tuple(value)
    if isinstance(default, bool):
        return _of_type(key, value, bool, "True or False")
    if isinstance(default, int):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SettingsError(f"{key} must be a whole number above 0, not {value!r}.")
        return value
    if default is None and value is None:
        return None
    return _of_type(key, value, str, "a text")


def _of_type(key: str, value: Any, kind: type, words: str) -> Any:
    if not isinstance(value, kind):
        raise SettingsError(f"{key} must be {words}, not {value!r}.")
    return value


def _check_meaning(settings: Settings) -> None:
    prefix = settings.api_prefix
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise SettingsError(
            f"STUDIO_API_PREFIX must start with a slash and not end with one, such as '/api', not {prefix!r}."
        )
    for key, value in (("PAGES_PREFIX", settings.pages_prefix), ("STAFF_PREFIX", settings.staff_prefix)):
        if not value.startswith("/") or value.endswith("/"):
            raise SettingsError(
                f"STUDIO_{key} must start with a slash and not end with one, such as '/studio', not {value!r}."
            )
    _check_addresses(settings)
    if settings.clock is not None:
        if settings.production:
            raise SettingsError(
                "STUDIO_CLOCK names a clock, which is for tests only, and STUDIO_PRODUCTION is true. "
                "Remove STUDIO_CLOCK, or set STUDIO_PRODUCTION = False outside production."
            )
        if ":" not in settings.clock:
            raise SettingsError(f"STUDIO_CLOCK must look like 'package.module:callable', not {settings.clock!r}.")
    if ":" not in settings.timetable:
        raise SettingsError(f"STUDIO_TIMETABLE must look like 'package.module:NAME', not {settings.timetable!r}.")
    if not settings.redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(
            f"STUDIO_REDIS_URL must start with redis://, rediss:// or unix://, not {settings.redis_url!r}."
        )
    region = settings.default_region
    if not (len(region) == 2 and region.isalpha() and region.isupper()):
        raise SettingsError(f"STUDIO_DEFAULT_REGION must be two capital letters such as 'CA', not {region!r}.")
    for name in settings.pass_types:
        if ":" not in name:
            raise SettingsError(f"STUDIO_PASS_TYPES must hold names like 'package.module:Class', not {name!r}.")


def _check_addresses(settings: Settings) -> None:
    if settings.smtp_url is not None:
        url = urlsplit(settings.smtp_url)
        if url.scheme not in ("smtp", "smtps") or not url.hostname:
            raise SettingsError("STUDIO_SMTP_URL must look like smtp://user:password@host:port or smtps://….")
        if settings.mail_from is None:
            raise SettingsError("STUDIO_SMTP_URL needs STUDIO_MAIL_FROM, the address from which mail is sent.")
    if settings.mail_from is not None and not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", settings.mail_from):
        raise SettingsError(
            f"STUDIO_MAIL_FROM must be one address such as 'studio@example.org', not {settings.mail_from!r}."
        )
    if settings.sms_url is not None and "{to}" not in settings.sms_url:
        raise SettingsError(
            "STUDIO_SMS_URL must hold {to} where the number goes, such as twilio://SID:TOKEN@FROM/{to}."
        )
    for key, address in (("PUBLIC_URL", settings.public_url), ("RESERVATION_URL", settings.reservation_url)):
        if address is not None and not re.match(r"https?://[^/\s]", address):
            raise SettingsError(f"STUDIO_{key} must start with https:// or http://, not {address!r}.")
    if settings.reservation_url is not None and "{id}" not in settings.reservation_url:
        raise SettingsError("STUDIO_RESERVATION_URL must hold {id} where the reservation's id goes.")
