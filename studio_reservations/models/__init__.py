"""All tables; the one place to import them from. Source: rules.md §1."""

from studio_reservations.models.access import ApiToken, IdempotencyRecord, KioskDevice, TokenScope
from studio_reservations.models.append_only import APPEND_ONLY
from studio_reservations.models.base import Base, UTCDateTime, new_id
from studio_reservations.models.classes import ClassSession, ClassStep, SessionStatus, StudioClass
from studio_reservations.models.customers import AccessKind, Customer, CustomerAccess, CustomerStudio
from studio_reservations.models.history import PerformerKind, ReservationHistory, SubjectType
from studio_reservations.models.jobs import JobRun, JobState
from studio_reservations.models.outbox import Channel, DeliveryState, OutboxDelivery, OutboxMessage, WebhookEndpoint
from studio_reservations.models.policies import NoShowPolicy, SelfCheckIn
from studio_reservations.models.registrations import (
    ClassRegistration,
    LedgerReason,
    PunchLedgerEntry,
    RegistrationMember,
    RegistrationStatus,
)
from studio_reservations.models.reservations import CheckInMethod, ExplanationAnswer, SessionReservation
from studio_reservations.models.studios import Role, Rollout, Studio, StudioStaff
from studio_reservations.models.suspensions import CustomerSuspension, SuspensionNoShow, SuspensionOrigin

__all__ = [
    "APPEND_ONLY",
    "AccessKind",
    "ApiToken",
    "Base",
    "Channel",
    "CheckInMethod",
    "ClassRegistration",
    "ClassSession",
    "ClassStep",
    "Customer",
    "CustomerAccess",
    "CustomerStudio",
    "CustomerSuspension",
    "DeliveryState",
    "ExplanationAnswer",
    "IdempotencyRecord",
    "JobRun",
    "JobState",
    "KioskDevice",
    "LedgerReason",
    "NoShowPolicy",
    "OutboxDelivery",
    "OutboxMessage",
    "PerformerKind",
    "PunchLedgerEntry",
    "RegistrationMember",
    "RegistrationStatus",
    "ReservationHistory",
    "Role",
    "Rollout",
    "SelfCheckIn",
    "SessionReservation",
    "SessionStatus",
    "Studio",
    "StudioClass",
    "StudioStaff",
    "SubjectType",
    "SuspensionNoShow",
    "SuspensionOrigin",
    "TokenScope",
    "UTCDateTime",
    "WebhookEndpoint",
    "new_id",
]
