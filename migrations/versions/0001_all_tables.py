"""All tables of the first release, with the triggers that close the books.

Source: docs/rules.md §1.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ERASABLE = ("reason", "metadata")
BOOKS = {
    "studio_reservation_history": (
        "id",
        "studio_id",
        "action",
        "subject_type",
        "subject_id",
        "reservation_id",
        "customer_id",
        "from_status",
        "to_status",
        "performed_by_kind",
        "performed_by",
        "created_at",
    ),
    "studio_punch_ledger_entry": (
        "id",
        "studio_id",
        "registration_id",
        "reservation_id",
        "entry_type",
        "delta",
        "balance",
        "performed_by",
        "created_at",
    ),
}
"""The columns that never change, by table."""
REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION studio_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation'; END $$
"""


def upgrade() -> None:
    op.create_table(
        "studio_customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.Column("feed_token_hash", sa.String(), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["studio_customer.id"], name=op.f("fk_studio_customer_merged_into_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_customer")),
        sa.UniqueConstraint("feed_token_hash", name=op.f("uq_studio_customer_feed_token_hash")),
    )
    op.create_index("ix_studio_customer_email_lower", "studio_customer", [sa.text("lower(email)")])
    op.create_index(op.f("ix_studio_customer_merged_into_id"), "studio_customer", ["merged_into_id"])
    op.create_table(
        "studio_idempotency_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_idempotency_record")),
        sa.UniqueConstraint(
            "principal", "method", "path", "key", name=op.f("uq_studio_idempotency_record_principal_method_path_key")
        ),
    )
    op.create_index("ix_studio_idempotency_record_created_at", "studio_idempotency_record", ["created_at"])
    op.create_table(
        "studio_studio",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("rollout", sa.String(), nullable=False),
        sa.Column("contact_email", sa.String(), nullable=True),
        sa.Column("contact_phone", sa.String(), nullable=True),
        sa.Column("sender_name", sa.String(), nullable=True),
        sa.Column("sender_email", sa.String(), nullable=True),
        sa.Column("sms_enabled", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rollout IN ('OFF', 'INTERNAL', 'ON')", name=op.f("ck_studio_studio_rollout")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_studio")),
        sa.UniqueConstraint("slug", name=op.f("uq_studio_studio_slug")),
    )
    op.create_table(
        "studio_api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('instructor', 'front_desk', 'manager', 'owner')", name=op.f("ck_studio_api_token_role")
        ),
        sa.CheckConstraint("scope IN ('read', 'write')", name=op.f("ck_studio_api_token_scope")),
        sa.CheckConstraint(
            "(customer_id IS NULL AND studio_id IS NOT NULL AND role IS NOT NULL)"
            " OR (customer_id IS NOT NULL AND studio_id IS NULL AND role IS NULL)",
            name=op.f("ck_studio_api_token_studio_or_customer"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_api_token_customer_id")),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_api_token_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_studio_api_token_token_hash")),
    )
    op.create_index(op.f("ix_studio_api_token_customer_id"), "studio_api_token", ["customer_id"])
    op.create_index(op.f("ix_studio_api_token_studio_id"), "studio_api_token", ["studio_id"])
    op.create_table(
        "studio_class",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("instructor", sa.String(), nullable=True),
        sa.Column("default_capacity", sa.Integer(), nullable=False),
        sa.Column("default_duration_minutes", sa.Integer(), nullable=False),
        sa.Column("allowed_pass_types", sa.JSON(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("default_capacity >= 0", name=op.f("ck_studio_class_default_capacity_not_negative")),
        sa.CheckConstraint(
            "default_duration_minutes >= 0", name=op.f("ck_studio_class_default_duration_minutes_not_negative")
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_class_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_class")),
        sa.UniqueConstraint("studio_id", "external_ref", name=op.f("uq_studio_class_studio_id_external_ref")),
    )
    op.create_index("ix_studio_class_studio_id_title", "studio_class", ["studio_id", "title"])
    op.create_table(
        "studio_customer_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('SELF', 'GUARDIAN')", name=op.f("ck_studio_customer_access_kind")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_customer_access_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_customer_access")),
        sa.UniqueConstraint("user_id", "customer_id", name=op.f("uq_studio_customer_access_user_id_customer_id")),
    )
    op.create_index(op.f("ix_studio_customer_access_customer_id"), "studio_customer_access", ["customer_id"])
    op.create_index(
        "uq_studio_customer_access_self",
        "studio_customer_access",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'SELF'"),
        sqlite_where=sa.text("kind = 'SELF'"),
    )
    op.create_table(
        "studio_customer_studio",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_customer_studio_customer_id")
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_customer_studio_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_customer_studio")),
        sa.UniqueConstraint("studio_id", "customer_id", name=op.f("uq_studio_customer_studio_studio_id_customer_id")),
    )
    op.create_index(op.f("ix_studio_customer_studio_customer_id"), "studio_customer_studio", ["customer_id"])
    op.create_table(
        "studio_customer_suspension",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("no_show_count", sa.Integer(), nullable=True),
        sa.Column("no_show_limit", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_kind", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "created_by_kind IN ('SYSTEM', 'STAFF')", name=op.f("ck_studio_customer_suspension_created_by_kind")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_studio_customer_suspension_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_customer_suspension_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_customer_suspension_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_customer_suspension")),
    )
    op.create_index(
        "ix_studio_customer_suspension_customer_id_starts_at",
        "studio_customer_suspension",
        ["customer_id", "starts_at"],
    )
    op.create_index(
        "ix_studio_customer_suspension_studio_id_ends_at",
        "studio_customer_suspension",
        ["studio_id", "ends_at"],
    )
    op.create_index(
        "uq_studio_customer_suspension_unended",
        "studio_customer_suspension",
        ["customer_id", "studio_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "studio_job_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('RUNNING', 'SUCCEEDED', 'FAILED')", name=op.f("ck_studio_job_run_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_studio_job_run_attempts_not_negative")),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_job_run_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_job_run")),
        sa.UniqueConstraint(
            "studio_id", "job", "business_date", name=op.f("uq_studio_job_run_studio_id_job_business_date")
        ),
    )
    op.create_table(
        "studio_kiosk_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pairing_code_hash", sa.String(), nullable=True),
        sa.Column("pairing_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=True),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_kiosk_device_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_kiosk_device")),
        sa.UniqueConstraint("pairing_code_hash", name=op.f("uq_studio_kiosk_device_pairing_code_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_studio_kiosk_device_token_hash")),
    )
    op.create_index(op.f("ix_studio_kiosk_device_studio_id"), "studio_kiosk_device", ["studio_id"])
    op.create_table(
        "studio_staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('instructor', 'front_desk', 'manager', 'owner')", name=op.f("ck_studio_staff_role")
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_staff_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_staff")),
        sa.UniqueConstraint("studio_id", "user_id", name=op.f("uq_studio_staff_studio_id_user_id")),
    )
    op.create_index(op.f("ix_studio_staff_user_id"), "studio_staff", ["user_id"])
    op.create_table(
        "studio_webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("events", sa.JSON(), nullable=True),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("previous_secret", sa.String(), nullable=True),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_webhook_endpoint_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_webhook_endpoint")),
    )
    op.create_index(op.f("ix_studio_webhook_endpoint_studio_id"), "studio_webhook_endpoint", ["studio_id"])
    op.create_table(
        "studio_class_registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=True),
        sa.Column("pass_type", sa.String(), nullable=False),
        sa.Column("pass_options", sa.JSON(), nullable=False),
        sa.Column("sessions_included", sa.Integer(), nullable=True),
        sa.Column("sessions_remaining", sa.Integer(), nullable=True),
        sa.Column("sessions_attended", sa.Integer(), nullable=False),
        sa.Column("max_advance_reservations", sa.Integer(), nullable=True),
        sa.Column("requires_sequential_attendance", sa.Boolean(), nullable=False),
        sa.Column("absence_grace_period_hours", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("frozen_on", sa.Date(), nullable=True),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('ACTIVE', 'FROZEN', 'CANCELLED')", name=op.f("ck_studio_class_registration_status")
        ),
        sa.CheckConstraint(
            "max_advance_reservations >= 0",
            name=op.f("ck_studio_class_registration_max_advance_reservations_not_negative"),
        ),
        sa.CheckConstraint(
            "sessions_attended >= 0", name=op.f("ck_studio_class_registration_sessions_attended_not_negative")
        ),
        sa.CheckConstraint(
            "sessions_included >= 0", name=op.f("ck_studio_class_registration_sessions_included_not_negative")
        ),
        sa.CheckConstraint(
            "sessions_remaining >= 0", name=op.f("ck_studio_class_registration_sessions_remaining_not_negative")
        ),
        sa.CheckConstraint(
            "valid_until >= valid_from", name=op.f("ck_studio_class_registration_valid_until_after_valid_from")
        ),
        sa.ForeignKeyConstraint(["class_id"], ["studio_class.id"], name=op.f("fk_studio_class_registration_class_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_class_registration_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_class_registration_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_class_registration")),
        sa.UniqueConstraint(
            "studio_id", "external_ref", name=op.f("uq_studio_class_registration_studio_id_external_ref")
        ),
    )
    op.create_index(op.f("ix_studio_class_registration_class_id"), "studio_class_registration", ["class_id"])
    op.create_index(
        "ix_studio_class_registration_customer_id_studio_id",
        "studio_class_registration",
        ["customer_id", "studio_id"],
    )
    op.create_index(op.f("ix_studio_class_registration_studio_id"), "studio_class_registration", ["studio_id"])
    op.create_table(
        "studio_class_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("requires_sequence", sa.Boolean(), nullable=False),
        sa.Column("allow_makeup", sa.Boolean(), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_studio_class_step_position_from_one")),
        sa.ForeignKeyConstraint(["class_id"], ["studio_class.id"], name=op.f("fk_studio_class_step_class_id")),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_class_step_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_class_step")),
        sa.UniqueConstraint("class_id", "position", name=op.f("uq_studio_class_step_class_id_position")),
    )
    op.create_index(op.f("ix_studio_class_step_studio_id"), "studio_class_step", ["studio_id"])
    op.create_table(
        "studio_no_show_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=True),
        sa.Column("grace_period_hours", sa.Integer(), nullable=True),
        sa.Column("auto_cancel_futures", sa.Boolean(), nullable=True),
        sa.Column("max_no_shows", sa.Integer(), nullable=True),
        sa.Column("never_suspends", sa.Boolean(), nullable=True),
        sa.Column("no_show_window_days", sa.Integer(), nullable=True),
        sa.Column("window_is_forever", sa.Boolean(), nullable=True),
        sa.Column("suspension_days", sa.Integer(), nullable=True),
        sa.Column("deduct_punch_on_no_show", sa.Boolean(), nullable=True),
        sa.Column("cancellation_cutoff_hours", sa.Integer(), nullable=True),
        sa.Column("undo_minutes", sa.Integer(), nullable=True),
        sa.Column("deduct_punch_on_late_cancel", sa.Boolean(), nullable=True),
        sa.Column("late_cancel_counts_as_no_show", sa.Boolean(), nullable=True),
        sa.Column("check_in_opens_minutes_before", sa.Integer(), nullable=True),
        sa.Column("check_in_closes_minutes_after", sa.Integer(), nullable=True),
        sa.Column("self_check_in", sa.String(), nullable=True),
        sa.Column("notify_confirmation", sa.Boolean(), nullable=True),
        sa.Column("notify_reminder", sa.Boolean(), nullable=True),
        sa.Column("notify_check_in", sa.Boolean(), nullable=True),
        sa.Column("notify_no_show", sa.Boolean(), nullable=True),
        sa.Column("notify_auto_cancellation", sa.Boolean(), nullable=True),
        sa.Column("notify_suspension", sa.Boolean(), nullable=True),
        sa.Column("notify_reinstatement", sa.Boolean(), nullable=True),
        sa.Column("notify_cancelled", sa.Boolean(), nullable=True),
        sa.Column("notify_cancelled_by_studio", sa.Boolean(), nullable=True),
        sa.Column("notify_moved", sa.Boolean(), nullable=True),
        sa.Column("notify_restored", sa.Boolean(), nullable=True),
        sa.Column("notify_waived", sa.Boolean(), nullable=True),
        sa.Column("notify_late_charge", sa.Boolean(), nullable=True),
        sa.Column("notify_pass_expiring", sa.Boolean(), nullable=True),
        sa.Column("notify_sms_check_in", sa.Boolean(), nullable=True),
        sa.Column("notify_sms_last_call", sa.Boolean(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "self_check_in IN ('anywhere', 'door_code', 'off')", name=op.f("ck_studio_no_show_policy_self_check_in")
        ),
        sa.CheckConstraint(
            "cancellation_cutoff_hours >= 0",
            name=op.f("ck_studio_no_show_policy_cancellation_cutoff_hours_not_negative"),
        ),
        sa.CheckConstraint(
            "check_in_closes_minutes_after >= 0",
            name=op.f("ck_studio_no_show_policy_check_in_closes_minutes_after_not_negative"),
        ),
        sa.CheckConstraint(
            "check_in_opens_minutes_before >= 0",
            name=op.f("ck_studio_no_show_policy_check_in_opens_minutes_before_not_negative"),
        ),
        sa.CheckConstraint(
            "class_id IS NULL OR (max_no_shows IS NULL AND no_show_window_days IS NULL AND suspension_days IS NULL"
            " AND never_suspends IS NULL AND window_is_forever IS NULL)",
            name=op.f("ck_studio_no_show_policy_suspension_is_the_studios"),
        ),
        sa.CheckConstraint(
            "grace_period_hours >= 0", name=op.f("ck_studio_no_show_policy_grace_period_hours_not_negative")
        ),
        sa.CheckConstraint("max_no_shows >= 1", name=op.f("ck_studio_no_show_policy_max_no_shows_from_one")),
        sa.CheckConstraint(
            "no_show_window_days >= 1", name=op.f("ck_studio_no_show_policy_no_show_window_days_from_one")
        ),
        sa.CheckConstraint("suspension_days >= 1", name=op.f("ck_studio_no_show_policy_suspension_days_from_one")),
        sa.CheckConstraint("undo_minutes >= 0", name=op.f("ck_studio_no_show_policy_undo_minutes_not_negative")),
        sa.ForeignKeyConstraint(["class_id"], ["studio_class.id"], name=op.f("fk_studio_no_show_policy_class_id")),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_no_show_policy_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_no_show_policy")),
    )
    op.create_index(
        "uq_studio_no_show_policy_class",
        "studio_no_show_policy",
        ["class_id"],
        unique=True,
        postgresql_where=sa.text("class_id IS NOT NULL"),
        sqlite_where=sa.text("class_id IS NOT NULL"),
    )
    op.create_index(
        "uq_studio_no_show_policy_studio",
        "studio_no_show_policy",
        ["studio_id"],
        unique=True,
        postgresql_where=sa.text("class_id IS NULL"),
        sqlite_where=sa.text("class_id IS NULL"),
    )
    op.create_table(
        "studio_class_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("seats_taken", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("instructor", sa.String(), nullable=True),
        sa.Column("instructor_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.String(), nullable=True),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('SCHEDULED', 'CANCELLED')", name=op.f("ck_studio_class_session_status")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_studio_class_session_ends_after_start")),
        sa.CheckConstraint(
            "seats_taken BETWEEN 0 AND capacity", name=op.f("ck_studio_class_session_seats_taken_within_capacity")
        ),
        sa.ForeignKeyConstraint(["class_id"], ["studio_class.id"], name=op.f("fk_studio_class_session_class_id")),
        sa.ForeignKeyConstraint(
            ["instructor_id"], ["studio_staff.id"], name=op.f("fk_studio_class_session_instructor_id")
        ),
        sa.ForeignKeyConstraint(["step_id"], ["studio_class_step.id"], name=op.f("fk_studio_class_session_step_id")),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_class_session_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_class_session")),
        sa.UniqueConstraint("studio_id", "external_ref", name=op.f("uq_studio_class_session_studio_id_external_ref")),
    )
    op.create_index("ix_studio_class_session_class_id_starts_at", "studio_class_session", ["class_id", "starts_at"])
    op.create_index(op.f("ix_studio_class_session_instructor_id"), "studio_class_session", ["instructor_id"])
    op.create_index(op.f("ix_studio_class_session_step_id"), "studio_class_session", ["step_id"])
    op.create_index("ix_studio_class_session_studio_id_starts_at", "studio_class_session", ["studio_id", "starts_at"])
    op.create_table(
        "studio_registration_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_registration_member_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["studio_class_registration.id"],
            name=op.f("fk_studio_registration_member_registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_registration_member_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_registration_member")),
        sa.UniqueConstraint(
            "registration_id", "customer_id", name=op.f("uq_studio_registration_member_registration_id_customer_id")
        ),
    )
    op.create_index(op.f("ix_studio_registration_member_customer_id"), "studio_registration_member", ["customer_id"])
    op.create_index(op.f("ix_studio_registration_member_studio_id"), "studio_registration_member", ["studio_id"])
    op.create_table(
        "studio_session_reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("guest_name", sa.String(), nullable=True),
        sa.Column("step_id", sa.Uuid(), nullable=True),
        sa.Column("exclusive_step_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("makeup_for_id", sa.Uuid(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_in_method", sa.String(), nullable=True),
        sa.Column("checked_in_by", sa.String(), nullable=True),
        sa.Column("attended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("auto_cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("auto_cancelled_for_id", sa.Uuid(), nullable=True),
        sa.Column("no_show_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("punches_held", sa.Integer(), nullable=False),
        sa.Column("punches_used", sa.Integer(), nullable=False),
        sa.Column("free_cancellation_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_cancel_punches", sa.Integer(), nullable=False),
        sa.Column("late_cancel_counts", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("counts_as_no_show", sa.Boolean(), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grace_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("auto_cancel_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("futures_cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waived_by", sa.String(), nullable=True),
        sa.Column("seat_released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explanation_answer", sa.String(), nullable=True),
        sa.Column("explanation_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explanation_answered_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "check_in_method IN ('SELF', 'STAFF', 'AUTO')", name=op.f("ck_studio_session_reservation_check_in_method")
        ),
        sa.CheckConstraint(
            "explanation_answer IN ('WAIVED', 'DECLINED')",
            name=op.f("ck_studio_session_reservation_explanation_answer"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'CHECKED_IN', 'ATTENDED', 'NO_SHOW', 'CANCELLED', 'AUTO_CANCELLED')",
            name=op.f("ck_studio_session_reservation_status"),
        ),
        sa.CheckConstraint(
            "counts_as_no_show = false OR missed_at IS NOT NULL",
            name=op.f("ck_studio_session_reservation_missed_at_where_it_counts"),
        ),
        sa.CheckConstraint(
            "late_cancel_punches >= 0", name=op.f("ck_studio_session_reservation_late_cancel_punches_not_negative")
        ),
        sa.CheckConstraint("punches_held >= 0", name=op.f("ck_studio_session_reservation_punches_held_not_negative")),
        sa.CheckConstraint("punches_used >= 0", name=op.f("ck_studio_session_reservation_punches_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["auto_cancelled_for_id"],
            ["studio_session_reservation.id"],
            name=op.f("fk_studio_session_reservation_auto_cancelled_for_id"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_session_reservation_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["exclusive_step_id"],
            ["studio_class_step.id"],
            name=op.f("fk_studio_session_reservation_exclusive_step_id"),
        ),
        sa.ForeignKeyConstraint(
            ["makeup_for_id"],
            ["studio_session_reservation.id"],
            name=op.f("fk_studio_session_reservation_makeup_for_id"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["studio_class_registration.id"],
            name=op.f("fk_studio_session_reservation_registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["studio_session_reservation.id"], name=op.f("fk_studio_session_reservation_replaces_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["studio_class_session.id"], name=op.f("fk_studio_session_reservation_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["studio_class_step.id"], name=op.f("fk_studio_session_reservation_step_id")
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_session_reservation_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_session_reservation")),
    )
    op.create_index(
        "ix_studio_session_reservation_auto_cancel",
        "studio_session_reservation",
        ["studio_id", "auto_cancel_at"],
        postgresql_where=sa.text(
            "status = 'NO_SHOW' AND waived_at IS NULL AND futures_cancelled_at IS NULL AND auto_cancel_at IS NOT NULL"
        ),
        sqlite_where=sa.text(
            "status = 'NO_SHOW' AND waived_at IS NULL AND futures_cancelled_at IS NULL AND auto_cancel_at IS NOT NULL"
        ),
    )
    op.create_index(
        op.f("ix_studio_session_reservation_auto_cancelled_for_id"),
        "studio_session_reservation",
        ["auto_cancelled_for_id"],
    )
    op.create_index(
        "ix_studio_session_reservation_checked_in_session",
        "studio_session_reservation",
        ["session_id"],
        postgresql_where=sa.text("status = 'CHECKED_IN'"),
        sqlite_where=sa.text("status = 'CHECKED_IN'"),
    )
    op.create_index(
        "ix_studio_session_reservation_customer_id_studio_id",
        "studio_session_reservation",
        ["customer_id", "studio_id"],
    )
    op.create_index(
        "ix_studio_session_reservation_grace",
        "studio_session_reservation",
        ["studio_id", "grace_ends_at"],
        postgresql_where=sa.text("status = 'NO_SHOW' AND waived_at IS NULL AND futures_cancelled_at IS NULL"),
        sqlite_where=sa.text("status = 'NO_SHOW' AND waived_at IS NULL AND futures_cancelled_at IS NULL"),
    )
    op.create_index(
        op.f("ix_studio_session_reservation_makeup_for_id"),
        "studio_session_reservation",
        ["makeup_for_id"],
    )
    op.create_index(
        "ix_studio_session_reservation_missed",
        "studio_session_reservation",
        ["studio_id", "customer_id", "missed_at"],
        postgresql_where=sa.text("counts_as_no_show = true AND waived_at IS NULL"),
        sqlite_where=sa.text("counts_as_no_show = true AND waived_at IS NULL"),
    )
    op.create_index(
        "ix_studio_session_reservation_pending_registration",
        "studio_session_reservation",
        ["registration_id"],
        postgresql_where=sa.text("status = 'PENDING'"),
        sqlite_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "ix_studio_session_reservation_pending_session",
        "studio_session_reservation",
        ["session_id"],
        postgresql_where=sa.text("status = 'PENDING'"),
        sqlite_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "ix_studio_session_reservation_registration_id_status",
        "studio_session_reservation",
        ["registration_id", "status"],
    )
    op.create_index(op.f("ix_studio_session_reservation_replaces_id"), "studio_session_reservation", ["replaces_id"])
    op.create_index(
        "ix_studio_session_reservation_session_id_status",
        "studio_session_reservation",
        ["session_id", "status"],
    )
    op.create_index(op.f("ix_studio_session_reservation_step_id"), "studio_session_reservation", ["step_id"])
    op.create_index(
        "uq_studio_session_reservation_live_customer",
        "studio_session_reservation",
        ["customer_id", "session_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('PENDING', 'CHECKED_IN', 'ATTENDED') AND guest_name IS NULL"),
        sqlite_where=sa.text("status IN ('PENDING', 'CHECKED_IN', 'ATTENDED') AND guest_name IS NULL"),
    )
    op.create_index(
        "uq_studio_session_reservation_live_step",
        "studio_session_reservation",
        ["registration_id", "exclusive_step_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('PENDING', 'CHECKED_IN', 'ATTENDED') AND exclusive_step_id IS NOT NULL"),
        sqlite_where=sa.text("status IN ('PENDING', 'CHECKED_IN', 'ATTENDED') AND exclusive_step_id IS NOT NULL"),
    )
    op.create_table(
        "studio_outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=True),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("expanded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_outbox_message_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["studio_session_reservation.id"], name=op.f("fk_studio_outbox_message_reservation_id")
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_outbox_message_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_outbox_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_studio_outbox_message_dedupe_key")),
    )
    op.create_index(op.f("ix_studio_outbox_message_customer_id"), "studio_outbox_message", ["customer_id"])
    op.create_index(op.f("ix_studio_outbox_message_reservation_id"), "studio_outbox_message", ["reservation_id"])
    op.create_index(
        "ix_studio_outbox_message_studio_id_created_at",
        "studio_outbox_message",
        ["studio_id", "created_at"],
    )
    op.create_index(
        "ix_studio_outbox_message_unexpanded",
        "studio_outbox_message",
        ["created_at"],
        postgresql_where=sa.text("expanded_at IS NULL"),
        sqlite_where=sa.text("expanded_at IS NULL"),
    )
    op.create_table(
        "studio_punch_ledger_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("entry_type", sa.String(), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("performed_by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "entry_type IN ('ISSUED', 'CHECK_IN', 'NO_SHOW', 'LATE_CANCEL', 'REFUND', 'ADJUSTMENT')",
            name=op.f("ck_studio_punch_ledger_entry_entry_type"),
        ),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_studio_punch_ledger_entry_balance_not_negative")),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["studio_class_registration.id"],
            name=op.f("fk_studio_punch_ledger_entry_registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"],
            ["studio_session_reservation.id"],
            name=op.f("fk_studio_punch_ledger_entry_reservation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_punch_ledger_entry_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_punch_ledger_entry")),
    )
    op.create_index(
        "ix_studio_punch_ledger_entry_registration_id_created_at",
        "studio_punch_ledger_entry",
        ["registration_id", "created_at"],
    )
    op.create_index(
        op.f("ix_studio_punch_ledger_entry_reservation_id"),
        "studio_punch_ledger_entry",
        ["reservation_id"],
    )
    op.create_index(op.f("ix_studio_punch_ledger_entry_studio_id"), "studio_punch_ledger_entry", ["studio_id"])
    op.create_table(
        "studio_reservation_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("from_status", sa.String(), nullable=True),
        sa.Column("to_status", sa.String(), nullable=True),
        sa.Column("performed_by_kind", sa.String(), nullable=False),
        sa.Column("performed_by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "performed_by_kind IN ('CUSTOMER', 'STAFF', 'INTEGRATION', 'SYSTEM')",
            name=op.f("ck_studio_reservation_history_performed_by_kind"),
        ),
        sa.CheckConstraint(
            "subject_type IN ('reservation', 'registration', 'session', 'suspension', 'policy', 'customer', 'studio', 'class')",
            name=op.f("ck_studio_reservation_history_subject_type"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["studio_customer.id"], name=op.f("fk_studio_reservation_history_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"],
            ["studio_session_reservation.id"],
            name=op.f("fk_studio_reservation_history_reservation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_reservation_history_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_reservation_history")),
    )
    op.create_index(op.f("ix_studio_reservation_history_customer_id"), "studio_reservation_history", ["customer_id"])
    op.create_index(
        "ix_studio_reservation_history_reservation_id_created_at",
        "studio_reservation_history",
        ["reservation_id", "created_at"],
    )
    op.create_index(
        "ix_studio_reservation_history_studio_id_created_at",
        "studio_reservation_history",
        ["studio_id", "created_at"],
    )
    op.create_index(
        "ix_studio_reservation_history_subject_id_created_at",
        "studio_reservation_history",
        ["subject_id", "created_at"],
    )
    op.create_table(
        "studio_suspension_no_show",
        sa.Column("suspension_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservation_id"],
            ["studio_session_reservation.id"],
            name=op.f("fk_studio_suspension_no_show_reservation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_suspension_no_show_studio_id")
        ),
        sa.ForeignKeyConstraint(
            ["suspension_id"],
            ["studio_customer_suspension.id"],
            name=op.f("fk_studio_suspension_no_show_suspension_id"),
        ),
        sa.PrimaryKeyConstraint("suspension_id", "reservation_id", name=op.f("pk_studio_suspension_no_show")),
    )
    op.create_index(
        op.f("ix_studio_suspension_no_show_reservation_id"),
        "studio_suspension_no_show",
        ["reservation_id"],
    )
    op.create_index(op.f("ix_studio_suspension_no_show_studio_id"), "studio_suspension_no_show", ["studio_id"])
    op.create_table(
        "studio_outbox_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("studio_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel IN ('EMAIL', 'SMS', 'WEBHOOK')", name=op.f("ck_studio_outbox_delivery_channel")),
        sa.CheckConstraint(
            "state IN ('DUE', 'SENT', 'DROPPED', 'PARKED')", name=op.f("ck_studio_outbox_delivery_state")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_studio_outbox_delivery_attempts_not_negative")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["studio_webhook_endpoint.id"], name=op.f("fk_studio_outbox_delivery_endpoint_id")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["studio_outbox_message.id"], name=op.f("fk_studio_outbox_delivery_message_id")
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studio_studio.id"], name=op.f("fk_studio_outbox_delivery_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_outbox_delivery")),
        sa.UniqueConstraint(
            "message_id", "channel", "recipient", name=op.f("uq_studio_outbox_delivery_message_id_channel_recipient")
        ),
    )
    op.create_index(
        "ix_studio_outbox_delivery_due",
        "studio_outbox_delivery",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'DUE'"),
        sqlite_where=sa.text("state = 'DUE'"),
    )
    op.create_index(op.f("ix_studio_outbox_delivery_endpoint_id"), "studio_outbox_delivery", ["endpoint_id"])
    op.create_index(op.f("ix_studio_outbox_delivery_studio_id"), "studio_outbox_delivery", ["studio_id"])
    close_the_books()


def downgrade() -> None:
    for table in (
        "studio_outbox_delivery",
        "studio_suspension_no_show",
        "studio_reservation_history",
        "studio_punch_ledger_entry",
        "studio_outbox_message",
        "studio_session_reservation",
        "studio_registration_member",
        "studio_class_session",
        "studio_no_show_policy",
        "studio_class_step",
        "studio_class_registration",
        "studio_webhook_endpoint",
        "studio_staff",
        "studio_kiosk_device",
        "studio_job_run",
        "studio_customer_suspension",
        "studio_customer_studio",
        "studio_customer_access",
        "studio_class",
        "studio_api_token",
        "studio_studio",
        "studio_idempotency_record",
        "studio_customer",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION studio_refuse_change()")


def close_the_books() -> None:
    """Refuse DELETE, TRUNCATE and every UPDATE of history and ledger but one that only nulls ``reason`` and ``metadata``."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(REFUSE_CHANGE)
    for table, kept in BOOKS.items():
        for statement in sqlite_triggers(table, kept) if sqlite else postgresql_triggers(table, kept):
            op.execute(statement)


def sqlite_triggers(table: str, kept: tuple[str, ...]) -> list[str]:
    """Return the triggers of a book on SQLite, which has REPLACE and no TRUNCATE."""
    changed = " OR ".join(
        [f"NEW.{name} IS NOT OLD.{name}" for name in ("rowid", *kept)]
        + [f"(NEW.{name} IS NOT NULL AND NEW.{name} IS NOT OLD.{name})" for name in ERASABLE]
    )
    there = f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR rowid = NEW.rowid)"
    refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW WHEN {changed} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} FOR EACH ROW WHEN {there} BEGIN {refuse}; END",
    ]


def postgresql_triggers(table: str, kept: tuple[str, ...]) -> list[str]:
    """Return the triggers of a book on PostgreSQL."""
    changed = " OR ".join(
        [f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in kept]
        + [f"NEW.{name} IS NOT NULL AND NEW.{name}::text IS DISTINCT FROM OLD.{name}::text" for name in ERASABLE]
    )
    refuse = "EXECUTE FUNCTION studio_refuse_change()"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed}) {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {refuse}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} {refuse}",
    ]
