"""A POST to somebody else's server, that cannot be turned against our own network.

The name is resolved once and the connection made to the address that was judged, so it cannot change in between (DNS
rebinding); private addresses in whatever notation are refused, redirects are not followed, and all of it takes 10 s at most.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from studio_reservations.notifications.failures import Gone, Hopeless, Refused

LIMIT_SECONDS = 10.0
KEPT_BYTES = 300
LONGEST_URL = 2_000
GOOD = range(200, 300)
REDIRECT = range(300, 400)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

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
        addresses, port = self._resolve(parts)
        connection = _PinnedConnection(parts, addresses=addresses, port=port, timeout=self._limit)
        # A timeout of the socket is for one read: a receiver that drips bytes would hold us for ever.
        watchdog = Timer(self._limit, connection.cut)
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request("POST", _target(parts), body=body, headers={**headers, "Host": _host_header(parts)})
            response = connection.getresponse()
            if connection.was_cut:  # what looks like the end of the headers is that of the connection
                raise TimeoutError
            reply = Reply(status=response.status, body=_printable(response.read(KEPT_BYTES)))
        except (OSError, http.client.HTTPException) as error:
            if connection.was_cut or isinstance(error, TimeoutError):
                raise Refused(f"No answer within {self._limit:g} seconds.") from error
            raise Refused(f"It cannot be reached: {str(error) or type(error).__name__}.") from error
        finally:
            watchdog.cancel()
            connection.close()
        return _judged(reply)

    def _resolve(self, parts: SplitResult) -> tuple[list[str], int]:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Refused(f"Its name cannot be resolved: {error}.") from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not self._allow_private:
            for one in addresses:
                if not is_public(one):
                    raise Hopeless(f"{parts.hostname} is {one}, an address that is not public.")
        return [str(one) for one in addresses], port


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to one of some addresses, whatever its name resolves to by now; TLS is for the name."""

    def __init__(self, parts: SplitResult, *, addresses: list[str], port: int, timeout: float) -> None:
        super().__init__(str(parts.hostname), port, timeout=timeout)
        self._addresses = addresses
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self.was_cut = False

    def connect(self) -> None:
        """Connect to the first of the judged addresses that answers."""
        self.sock = self._connected()
        if self._context is not None:
            # The handshake comes after, so that `cut` finds the socket on which it hangs.
            secured = self._context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = secured
            secured.do_handshake()

    def cut(self) -> None:
        """End it from another thread; whoever reads from it gets an error."""
        self.was_cut = True
        sock = self.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> socket.socket:
        failure: OSError = TimeoutError()
        for address in self._addresses:
            if self.was_cut:
                break
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError as error:
                failure = error
        raise failure


def fit_url(url: str, *, allow_private: bool) -> SplitResult:
    """Return the parts of an address to which webhooks may go, as far as can be said without resolving its name.

    :raises UnfitAddress:
    """
    if len(url) > LONGEST_URL or any(character.isspace() or not character.isprintable() for character in url):
        raise UnfitAddress("Write an address without spaces, at most 2,000 characters long.")
    try:
        parts = urlsplit(url)
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
    """Say whether an address is on the public internet, also one that wraps another (IPv4 in IPv6, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        # ::127.0.0.1, the old compatible form
        if int(address) < 1 << 32:
            return False
        inner = [one for one in wrapped if one is not None]
        if inner:
            return all(is_public(one) for one in inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


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
