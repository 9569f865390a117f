"""The two codes of the door: the QR that names a reservation, and the digits that rotate on the kiosk.

Source: rules.md §6 (`self_check_in`), §7.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

import segno
from itsdangerous import BadSignature, Signer

from studio_reservations.errors import CodeExpired, CodeInvalid

QR_SALT = "studio-reservations.check-in"
DOOR_SALT = b"studio-reservations.door-code"
DOOR_STEP_SECONDS = 60
DOOR_DIGITS = 6
GOOD_STEPS = 2
KNOWN_STEPS = 10


class CodeSigner:
    """Makes and reads the codes of one portal; whoever has its ``secret`` can make them too."""

    def __init__(self, secret: str | bytes) -> None:
        self._signer = Signer(secret, salt=QR_SALT, digest_method=hashlib.sha256)
        key = secret.encode() if isinstance(secret, str) else secret
        self._door_key = hmac.digest(key, DOOR_SALT, "sha256")

    def code_for(self, reservation_id: UUID) -> str:
        """Return the text of the reservation's QR; when it is valid depends on the session, so it is not in it."""
        return self._signer.sign(reservation_id.hex).decode()

    def read(self, code: str) -> UUID:
        """Return the reservation that a QR names. :raises CodeInvalid: where the code is none of ours."""
        try:
            return UUID(self._signer.unsign(code.strip()).decode())
        except (BadSignature, ValueError):
            raise CodeInvalid() from None

    def door_code(self, *, studio_id: UUID, now: datetime) -> str:
        """Return the six digits that the studio's kiosk shows in this minute."""
        return self._digits(studio_id, _step(now))

    def check_door_code(self, code: str | None, *, studio_id: UUID, now: datetime) -> None:
        """Return quietly for the digits of this minute and the one before.

        :raises CodeExpired: for digits shown within the last ten minutes.
        :raises CodeInvalid: for all else.
        """
        given = "".join((code or "").split()).encode(errors="replace")
        step = _step(now)
        # Every step is compared, so that the time it takes tells nothing.
        matches = [
            hmac.compare_digest(given, self._digits(studio_id, step - age).encode()) for age in range(KNOWN_STEPS + 1)
        ]
        if any(matches[:GOOD_STEPS]):
            return
        raise CodeExpired() if any(matches) else CodeInvalid()

    def _digits(self, studio_id: UUID, step: int) -> str:
        digest = hmac.digest(self._door_key, studio_id.bytes + step.to_bytes(8), "sha256")
        return f"{int.from_bytes(digest[:8]) % 10**DOOR_DIGITS:0{DOOR_DIGITS}d}"


def svg_of(text: str) -> str:
    """Return the QR of ``text`` as an inline SVG that scales with its box and carries no style of its own."""
    return segno.make(text, micro=False, error="m").svg_inline(omitsize=True, svgclass="st-qr", lineclass=None)


def _step(now: datetime) -> int:
    return int(now.timestamp()) // DOOR_STEP_SECONDS
