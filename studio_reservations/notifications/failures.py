"""Why a delivery did not succeed, and what follows: wait, try again, give up, or not needed any more."""

from __future__ import annotations


class DeliveryFailure(Exception):
    """Something that the delivery log shows; ``status`` is the other side's code, where there is one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(DeliveryFailure):
    """The way itself is closed, by a mail server that is down for instance: all that goes this way waits, and is not parked."""


class Refused(DeliveryFailure):
    """This one was refused for now: it is tried again, and parked in the end."""


class Hopeless(DeliveryFailure):
    """Trying again cannot help: parked for staff at once."""


SWITCHED_OFF = "The webhook is switched off."


class Unsent(Hopeless):
    """It cannot be written, ends whoever sends it, or may not be sent: the other side has nothing to do with it."""


class Faulty(Refused):
    """A fault of ours that nobody foresaw: tried again, and held against nobody."""


class NotNeeded(DeliveryFailure):
    """Its time is over, or nobody wants it any more: dropped."""


class Gone(Hopeless):
    """A webhook's receiver says that it is gone for good: its endpoint is switched off."""
