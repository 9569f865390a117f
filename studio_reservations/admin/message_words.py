"""What staff read about deliveries: their states, and why one did not arrive, in plain words."""

from __future__ import annotations

import re
from typing import Any

from studio_reservations.models import Channel, DeliveryState
from studio_reservations.policies.messages import Message

STATES = {
    DeliveryState.PARKED.value: "Parked",
    DeliveryState.DUE.value: "Waits",
    DeliveryState.SENT.value: "Sent",
    DeliveryState.DROPPED.value: "Not needed",
}
CHANNELS = {Channel.EMAIL.value: "Email", Channel.SMS.value: "SMS", Channel.WEBHOOK.value: "Webhook"}
TEMPLATES = {
    Message.CONFIRMATION.value: "Reservation confirmed",
    Message.REMINDER.value: "Reminder, the day before",
    Message.CHECK_IN.value: "Checked in",
    Message.NO_SHOW.value: "Missed a class",
    Message.AUTO_CANCELLATION.value: "Cancelled by policy",
    Message.SUSPENSION.value: "Suspended",
    Message.REINSTATEMENT.value: "Can reserve again",
    Message.CANCELLED.value: "Cancelled",
    Message.CANCELLED_BY_STUDIO.value: "Cancelled by the studio",
    Message.MOVED.value: "Session moved",
    Message.RESTORED.value: "Restored",
    Message.WAIVED.value: "Missed class waived",
    Message.LATE_CHARGE.value: "Cancelled late, charged",
    Message.PASS_EXPIRING.value: "Pass ends soon",
    Message.SMS_CHECK_IN.value: "SMS, two hours before",
    Message.SMS_LAST_CALL.value: "SMS, last call",
    "webhook_disabled": "Webhook switched off, to the owners",
}
_PLAIN = (
    (r"It cannot be written", "The template cannot be filled. Whoever keeps the portal’s templates can mend it."),
    (
        r"attempt ended its worker",
        "The last attempt broke off before there was an answer. Tell whoever runs the portal.",
    ),
    (
        r"This is not an address|takes no such address",
        "This is not an address that mail can go to. Correct the customer’s.",
    ),
    (r"The mail server (at|went)", "The portal’s mail server cannot be reached. It goes by itself once it is back."),
    (r"No answer within", "The receiver did not answer in time."),
    (r"cannot be reached|cannot be resolved", "The receiver cannot be reached. Check the address of the webhook."),
    (r"answered 410", "The receiver says that it is gone for good. Remove the webhook, or mend it there."),
    (r"answered 4\d\d", "The receiver refused it. Look there, then send it again."),
    (r"answered 5\d\d", "The receiver is at fault at the moment. Send it again when it is well."),
    (r"not public", "The webhook’s address is not on the public internet."),
    (r"^(The|It|What|Not|No|There)\b.*\.$", ""),  # a sentence of our own already
)
_UNKNOWN_MAILBOX = 550


def why(row: Any) -> str | None:
    """Return why a delivery is not sent, and what to do, in plain words."""
    error = row.last_error
    if not error or row.state == DeliveryState.SENT:
        return None
    for pattern, words in _PLAIN:
        if re.search(pattern, error):
            return words or str(error)
    if row.channel == Channel.EMAIL:
        if row.last_status == _UNKNOWN_MAILBOX:
            return "The mail server says that there is no such mailbox. Correct the customer’s address, then send it again."
        return "The mail server refused it. Its words are on the message’s page."
    return "The provider refused it. Its words are on the message’s page."
