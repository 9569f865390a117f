"""Measurements and long races; nothing here is asserted by the tests."""
