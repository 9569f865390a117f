"""Which missed classes count against a customer, and since when.

Source: rules.md §6.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from studio_reservations.models import CustomerSuspension
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.policies.policy import Policy


def counting(
    reservation: Any, *, studio_id: UUID, as_of: datetime, timezone: str, policy: Policy
) -> ColumnElement[bool]:
    """Return the condition on a row of ``reservation`` (the entity, or an alias of it) that it counts at ``as_of``.

    It is missed and not waived, its grace is over, and it lies within the window and after the start of the customer's last
    non-voided suspension here. ``policy`` is the studio's own.
    """
    wiped_at = (
        select(func.max(CustomerSuspension.starts_at))
        .where(
            CustomerSuspension.studio_id == studio_id,
            CustomerSuspension.customer_id == reservation.customer_id,
            CustomerSuspension.voided_at.is_(None),
        )
        .scalar_subquery()
    )
    conditions = [
        reservation.studio_id == studio_id,
        reservation.counts_as_no_show.is_(True),
        reservation.waived_at.is_(None),
        reservation.grace_ends_at <= as_of,
        or_(wiped_at.is_(None), reservation.missed_at > wiped_at),
    ]
    if policy.no_show_window_days is not None:
        first = local_date(as_of, timezone=timezone) - timedelta(days=policy.no_show_window_days)
        conditions.append(reservation.missed_at >= day_start(first, timezone=timezone))
    return and_(*conditions)
