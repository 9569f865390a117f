"""E-mail through the portal's own SMTP server."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from studio_reservations.notifications.failures import DeliveryFailure, Hopeless, Refused, Unreachable

TIMEOUT_SECONDS = 15.0
PERMANENT = range(500, 600)
SERVICE_NOT_AVAILABLE = 421
NO_ROOM = 452
TOO_LARGE = 552
OF_THE_SERVER = frozenset({SERVICE_NOT_AVAILABLE, 454, 530, 534, 535, 538})
"""Not available, no TLS, who are you: answers about the server, or about how we log in, whoever the recipient is."""

_ENHANCED = re.compile(r"[45]\.\d{1,3}\.\d{1,3}\b")
_MAIL_SYSTEM = re.compile(r"[45]\.3\.(?!4\b)\d{1,3}\b")
"""An enhanced status that is about the mail system itself, but for a letter that is too large for it. Source: RFC 3463."""

_RELAY = re.compile(r"(?<![\w.@-])relay(?:ing)?(?![\w@-]|\.\w)", re.IGNORECASE)
"""The server does not carry mail for this portal; there is no code of its own for that."""


class _Whole(UniqueUnstructuredHeader):
    """A header of one line, however long: an address that is folded or encoded leads nowhere. Source: RFC 2369, RFC 8058."""

    name: str

    def fold(self, *, policy: Policy[Any]) -> str:
        """Return it as it travels."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("List-Unsubscribe", "List-Unsubscribe-Post", "Message-ID"):
    _HEADERS.map_to_type(_name, _Whole)  # type: ignore[arg-type] # the registry adds the base
_POLICY = EmailPolicy(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A calendar entry: ``method`` is what is to be done with it, PUBLISH or CANCEL."""

    filename: str
    method: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One e-mail; ``id`` is stable over every attempt."""

    id: str
    at: datetime
    sender_name: str
    sender: str
    recipient: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None
    calendars: tuple[Attachment, ...] = ()


class Mailer:
    """A connection to the portal's SMTP server, opened when first needed; use it as a context.

    ``url`` is ``smtp://user:password@host:port``, or ``smtps://`` for TLS from the start. With ``?tls=auto`` (the default)
    STARTTLS is used where the server offers it, and passwords are never sent in clear text but to this machine itself.
    """

    def __init__(self, url: str, *, envelope_from: str) -> None:
        parts = urlsplit(url)
        self._implicit_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._implicit_tls else 587 if parts.username else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._tls = parse_qs(parts.query).get("tls", ["auto"])[0]
        self._envelope_from = envelope_from
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, mail: Mail) -> None:
        """Hand one e-mail over to the server.

        :raises Unreachable, Refused, Hopeless:
        """
        message = as_message(mail)
        server = self._connected()
        try:
            server.send_message(message, from_addr=self._envelope_from, to_addrs=[mail.recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise self._failure(code, reason) from error
        except smtplib.SMTPSenderRefused as error:
            # Nothing has been said of the recipient yet: the server is ill, or does not let this portal send.
            failed = Hopeless if error.smtp_code == TOO_LARGE else Unreachable
            raise self._failure(error.smtp_code, error.smtp_error, kind=failed) from error
        except smtplib.SMTPResponseException as error:
            raise self._failure(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Hopeless(f"The mail server takes no such address: {mail.recipient}.") from error
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Unreachable(f"The mail server went away: {error}.") from error

    def close(self) -> None:
        """Say goodbye to the server, if there is a connection."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            try:
                self._server = self._connect()
            except (OSError, smtplib.SMTPException) as error:
                raise Unreachable(f"The mail server at {self._host}:{self._port} cannot be used: {error}.") from error
        return self._server

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._implicit_tls:
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            server.ehlo_or_helo_if_needed()
            if (
                not self._implicit_tls
                and self._tls != "never"
                and (self._tls == "required" or server.has_extn("starttls"))
            ):
                server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
            elif self._user and not self._implicit_tls and self._tls != "never" and not _is_this_machine(self._host):
                raise smtplib.SMTPException("it offers no STARTTLS, so the password is not sent (?tls=never sends it)")
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _failure(self, code: int, reason: bytes | str, *, kind: type[DeliveryFailure] | None = None) -> DeliveryFailure:
        said = _text(reason)
        if code == SERVICE_NOT_AVAILABLE:  # it hangs up after that; after everything else the connection goes on
            self.close()
        if kind is None:
            of_us = is_of_the_server(code, said)
            kind = Unreachable if of_us else Hopeless if code in PERMANENT else Refused
        return kind(said, status=code)


def is_of_the_server(code: int, said: str) -> bool:
    """Say whether an answer to a recipient or to a letter is about the server or this portal, so that others get it as well."""
    if code in OF_THE_SERVER or _RELAY.search(said):
        return True
    return _MAIL_SYSTEM.match(said) is not None if _ENHANCED.match(said) else code == NO_ROOM


def as_message(mail: Mail) -> EmailMessage:
    """Return the e-mail as MIME: text, HTML, and calendar entries as attachments.

    :raises Hopeless: for an address that is none.
    """
    message = EmailMessage(policy=_POLICY)
    try:
        message["From"] = _address(mail.sender, name=mail.sender_name)
        message["To"] = _address(mail.recipient)
        if mail.reply_to:
            message["Reply-To"] = _address(mail.reply_to)
    except (ValueError, IndexError) as error:
        raise Hopeless(f"This is not an address: {error}.") from error
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.id}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for one in mail.calendars:
        message.add_attachment(
            one.content,
            maintype="text",
            subtype="calendar",
            filename=one.filename,
            params={"method": one.method, "charset": "utf-8"},
        )
    return message


def _address(address: str, *, name: str = "") -> Address:
    # Control characters would end the header; the class refuses the other ways of writing two addresses as one.
    return Address(display_name=" ".join(name.split()), addr_spec=address)


def _is_this_machine(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _text(reason: bytes | str) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason


def addresses(found: Iterable[str | None]) -> list[str]:
    """Return the addresses there are, each once, whatever its capitals."""
    return list({one.strip().lower(): one.strip() for one in found if one and one.strip()}.values())
