"""Settings: every key documented, every wrong value a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from studio_reservations.settings import Settings, SettingsError, load


def test_without_any_key_the_defaults_hold():
    assert load({"SECRET_KEY": "the portal's own"}) == Settings()


def test_every_key_has_a_default_and_a_meaning():
    for key, (default, meaning) in Settings.keys().items():
        assert key.startswith("STUDIO_")
        assert len(meaning) > 20, key
        assert load({key: default} if key != "STUDIO_CLOCK" else {}) == Settings()


def test_values_are_taken_over():
    settings = load(
        {
            "STUDIO_API_PREFIX": "/studio/api",
            "STUDIO_BIND_KEY": "studio",
            "STUDIO_PASS_TYPES": ["house.passes:Gold"],
            "STUDIO_PRODUCTION": False,
            "STUDIO_CLOCK": "house.clock:now",
        }
    )

    assert settings.api_prefix == "/studio/api"
    assert settings.bind_key == "studio"
    assert settings.pass_types == ("house.passes:Gold",)
    assert settings.clock == "house.clock:now"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("STUDIO_API_PREFX", "/api", "STUDIO_API_PREFX is not a setting"),
        ("STUDIO_API_PREFIX", "api", "must start with a slash"),
        ("STUDIO_API_PREFIX", "/api/", "not end with one"),
        ("STUDIO_API_PREFIX", 7, "must be a text"),
        ("STUDIO_BIND_KEY", 7, "must be a text"),
        ("STUDIO_PRODUCTION", "false", "must be True or False"),
        ("STUDIO_MAX_BODY_BYTES", "65536", "must be a whole number above 0"),
        ("STUDIO_MAX_BODY_BYTES", 0, "must be a whole number above 0"),
        ("STUDIO_MAX_BODY_BYTES", True, "must be a whole number above 0"),
        ("STUDIO_PASS_TYPES", "house.passes:Gold", "must be a list"),
        ("STUDIO_PASS_TYPES", None, "must be a list"),
        ("STUDIO_PASS_TYPES", [7], "must be a list"),
        ("STUDIO_PASS_TYPES", ["house.passes.Gold"], "package.module:Class"),
        ("STUDIO_CLOCK", "house.clock:now", "STUDIO_PRODUCTION"),
        ("STUDIO_DEFAULT_REGION", "Canada", "two capital letters"),
        ("STUDIO_RATE_LIMIT", None, "must be a text"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(key: str, value: Any, sentence: str):
    with pytest.raises(SettingsError, match=sentence):
        load({key: value})


def test_a_clock_is_named_by_module_and_callable():
    with pytest.raises(SettingsError, match=r"package\.module:callable"):
        load({"STUDIO_PRODUCTION": False, "STUDIO_CLOCK": "house.clock.now"})
