"""A POST to somebody else's server, that cannot be turned against our own network.

The name is resolved once and the connection made to the address that was judged, so it cannot change in between (DNS
rebinding); private addresses in whatever notation are refused, redirects are not followed, and all of it, the name's
resolution too, takes 10 s at most.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from urllib.parse import SplitResult, quote, urlsplit

from studio_reservations.notifications.failures import Gone, Hopeless, Refused

LIMIT_SECONDS = 10.0
KEPT_BYTES = 300
LONGEST_URL = 2_000
GOOD = range(200, 300)
REDIRECT = range(300, 400)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = (
    *map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")),
    *map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
"""Of protocols, of tunnels and for documentation: what `is_global` says of them differs between releases of Python.

Source: IANA's special-purpose address registries.
"""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UnfitAddress(ValueError):
    """A webhook may not go there; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the receiver answered: its status, and the first few hundred characters of the body."""

    status: int
    body: str


class Poster:
    """Posts JSON; ``allow_private`` is for tests and closed networks."""

    def __init__(self, *, allow_private: bool = False, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._allow_private = allow_private
        self._limit = limit_seconds

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post ``body`` and return the answer, a good one.

        :raises Hopeless: where it may not go there. :raises Gone, Refused: by the answer, or without one.
        """
        try:
            parts = fit_url(url, allow_private=self._allow_private)
        except UnfitAddress as error:
            raise Hopeless(str(error)) from error
        connection = _PinnedConnection(parts, timeout=self._limit)
        outcome: Future[Reply] = Future()

        def attempt() -> None:
            try:
                connection.addresses = self._resolve(parts, port=connection.port)
                connection.request("POST", _target(parts), body=body, headers={**headers, "Host": _host_header(parts)})
                response = connection.getresponse()
                outcome.set_result(Reply(status=response.status, body=_printable(response.read(KEPT_BYTES))))
            except BaseException as error:
                outcome.set_exception(error)
            finally:
                connection.close()

        # Nothing else ends in time for certain: the resolver has no limit, and that of a socket is for one read alone.
        Thread(target=attempt, name="webhook", daemon=True).start()
        try:
            return _judged(outcome.result(timeout=self._limit))
        except TimeoutError as error:
            connection.cut()
            raise Refused(f"No answer within {self._limit:g} seconds.") from error
        except (OSError, http.client.HTTPException) as error:
            raise Refused(f"It cannot be reached: {str(error) or type(error).__name__}.") from error

    def _resolve(self, parts: SplitResult, *, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Refused(f"Its name cannot be resolved: {error}.") from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not self._allow_private:
            for one in addresses:
                if not is_public(one):
                    raise Hopeless(f"{parts.hostname} is {one}, an address that is not public.")
        return [str(one) for one in addresses]


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to one of ``addresses``, whatever its name resolves to by now; TLS is for the name."""

    def __init__(self, parts: SplitResult, *, timeout: float) -> None:
        super().__init__(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80), timeout=timeout)
        self.addresses: list[str] = []
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._was_cut = False

    def connect(self) -> None:
        """Connect to the first of the judged addresses that answers."""
        self.sock = self._connected()
        if self._was_cut:
            raise TimeoutError
        if self._context is not None:
            # The handshake comes after, so that `cut` finds the socket on which it hangs.
            secured = self._context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = secured
            secured.do_handshake()

    def cut(self) -> None:
        """End it from another thread: no further address is tried, and whoever reads from it gets an error."""
        self._was_cut = True
        sock = self.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> socket.socket:
        failure: OSError = TimeoutError()
        for address in self.addresses:
            if self._was_cut:
                break
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError as error:
                failure = error
        raise failure


def fit_url(url: str, *, allow_private: bool) -> SplitResult:
    """Return the parts of an address to which webhooks may go, as far as can be said without resolving its name.

    They are as they travel: a name in other letters as IDNA, other characters of path and query percent-encoded.

    :raises UnfitAddress:
    """
    if len(url) > LONGEST_URL or any(character.isspace() or not character.isprintable() for character in url):
        raise UnfitAddress("Write an address without spaces, at most 2,000 characters long.")
    try:
        parts = _as_sent(urlsplit(url))
        port = parts.port
    except ValueError as error:
        raise UnfitAddress("Write an address such as https://example.org/hooks.") from error
    if parts.scheme not in (("https", "http") if allow_private else ("https",)) or not parts.hostname:
        raise UnfitAddress("Write an address that starts with https://, such as https://example.org/hooks.")
    if parts.username is not None or parts.password is not None:
        raise UnfitAddress("Leave name and password out of the address: the signature proves who is calling.")
    if parts.fragment or port == 0:
        raise UnfitAddress("Leave out what follows #, and port 0.")
    if not allow_private and not _may_be_public(parts.hostname):
        raise UnfitAddress("Write an address on the public internet.")
    return parts


def is_public(address: Address) -> bool:
    """Say whether an address is a global unicast one; of one that wraps an IPv4 address (mapped, NAT64), whether that is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _UNICAST:
            return False
    is_special = address.is_multicast or address.is_reserved or any(address in one for one in _SPECIAL)
    return address.is_global and not is_special


def _may_be_public(hostname: str) -> bool:
    """Judge names of this machine, and addresses in every notation of the C library: decimal, octal, hexadecimal, short."""
    name = hostname.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return False
    with suppress(ValueError):
        return is_public(ipaddress.ip_address(name.partition("%")[0]))
    with suppress(OSError):
        return is_public(ipaddress.IPv4Address(socket.inet_aton(name)))
    return True


def _as_sent(parts: SplitResult) -> SplitResult:
    """Return an address in ASCII. :raises ValueError: for a name that has no such form."""
    if all(map(str.isascii, parts)):
        return parts
    netloc = parts.netloc
    if not netloc.isascii():
        host = (parts.hostname or "").encode("idna").decode()
        netloc = host if parts.port is None else f"{host}:{parts.port}"
        if parts.username is not None:
            netloc = f"@{netloc}"  # refused below, whatever it was
    path, query = (quote(one, safe="/%:@!$&'()*+,;=~?") for one in (parts.path, parts.query))
    return parts._replace(netloc=netloc, path=path, query=query)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _host_header(parts: SplitResult) -> str:
    host = str(parts.hostname)
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def _judged(reply: Reply) -> Reply:
    if reply.status in GOOD:
        return reply
    if reply.status == http.client.GONE:
        raise Gone("It answered 410: gone for good.", status=reply.status)
    if reply.status in REDIRECT:
        raise Refused(f"It answered {reply.status}; redirects are not followed.", status=reply.status)
    raise Refused(f"It answered {reply.status}: {reply.body or 'nothing more'}", status=reply.status)


def _printable(body: bytes) -> str:
    return " ".join(body.decode(errors="replace").split())
