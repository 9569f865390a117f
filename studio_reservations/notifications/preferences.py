"""The link in a message by which a customer chooses what they get, without logging in.

Source: rules.md §9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

Secret = str | bytes | Sequence[str | bytes]
"""A portal's key, or several of which the last one signs."""

SALT = "studio-reservations.messages"


class PreferenceLinks:
    """Makes and reads the links of one portal; ``base`` is where its page is, such as ``https://portal.example/studio``.

    A link works for good: mail is read late. It opens nothing but the switches of the customer it was sent to.
    """

    def __init__(self, secret: Secret, *, base: str | None) -> None:
        keys = [secret] if isinstance(secret, str | bytes) else list(secret)
        signing: Any = [one.encode() if isinstance(one, str) else one for one in keys]
        self._serializer = URLSafeSerializer(signing, salt=SALT, signer_kwargs={"digest_method": hashlib.sha256})
        self._base = base

    def token_for(self, customer_id: UUID, preference: str | None = None) -> str:
        """Return the token of a customer's page; one-click unsubscribing switches off ``preference``."""
        return str(self._serializer.dumps([customer_id.hex, preference] if preference else [customer_id.hex]))

    def url_for(self, customer_id: UUID, preference: str | None = None) -> str | None:
        """Return the address of the page; None where the portal's own address is not known."""
        return None if self._base is None else f"{self._base}/messages/{self.token_for(customer_id, preference)}"

    def read(self, token: str) -> tuple[UUID, str | None] | None:
        """Return whose token it is and what it switches off, or None for a text that is none of ours."""
        try:
            customer, *preference = self._serializer.loads(token)
            return UUID(hex=customer), preference[0] if preference else None
        except (BadSignature, ValueError, TypeError, AttributeError):
            return None
