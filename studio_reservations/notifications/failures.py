"""Why a delivery did not succeed, and what follows: wait, try again, give up, or not needed any more."""

from __future__ import annotations


class DeliveryFailure(Exception):
    """Something that the delivery log shows; ``status`` is the other side's code, where there is one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(DeliveryFailure):
    """The way itself is closed, a mail server that is down for instance: everything that goes this way waits."""


class Refused(DeliveryFailure):
    """This one was refused for now: it is tried again, and parked in the end."""


class Hopeless(DeliveryFailure):
    """Trying again cannot help: parked for staff at once."""


class NotNeeded(DeliveryFailure):
    """Its time is over, or nobody wants it any more: dropped."""


class Gone(Hopeless):
    """A webhook's receiver says that it is gone for good: its endpoint is switched off."""
