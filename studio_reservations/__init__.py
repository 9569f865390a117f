"""Flexible class reservations for a studio's own Flask portal: passes, seats, check-in, no-show policy."""
