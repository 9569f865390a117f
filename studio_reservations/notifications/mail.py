"""E-mail through the portal's own SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from studio_reservations.notifications.failures import Hopeless, Refused, Unreachable

TIMEOUT_SECONDS = 15.0
SERVICE_NOT_AVAILABLE = 421
PERMANENT = range(500, 600)


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
    calendar: bytes | None = None


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
            # The portal's configuration is wrong, not this message: it is worth another try.
            self.close()
            raise Refused(_text(error.smtp_error), status=error.smtp_code) from error
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
            server.ehlo()
            if (
                not self._implicit_tls
                and self._tls != "never"
                and (self._tls == "required" or server.has_extn("starttls"))
            ):
                server.starttls(context=context)
                server.ehlo()
            elif self._user and not self._implicit_tls and self._tls != "never" and not _is_this_machine(self._host):
                raise smtplib.SMTPException("it offers no STARTTLS, so the password is not sent (?tls=never sends it)")
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _failure(self, code: int, reason: bytes | str) -> Unreachable | Refused | Hopeless:
        if code == SERVICE_NOT_AVAILABLE:
            self.close()
            return Unreachable(_text(reason), status=code)
        return (Hopeless if code in PERMANENT else Refused)(_text(reason), status=code)


def as_message(mail: Mail) -> EmailMessage:
    """Return the e-mail as MIME: text, HTML, and the calendar entry as an attachment.

    :raises Hopeless: for an address that is none.
    """
    message = EmailMessage()
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
    if mail.calendar:
        message.add_attachment(
            mail.calendar, maintype="text", subtype="calendar", filename="reservation.ics", params={"method": "PUBLISH"}
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
