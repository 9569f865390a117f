"""What people are called and how they are reached, in the one writing in which it is kept."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from studio_reservations.language import N_

DEFAULT_REGION = "US"
LONGEST_TEXT = 200
_JOINERS = "\u200c\u200d"  # within a word they change how it is written
_FILLERS = "\u115f\u1160\u3164\uffa0"  # Unicode calls them letters; nobody sees them
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def checked_name(text: str, errors: dict[str, str]) -> str:
    """Return the name without spaces too many and what nobody sees; an empty or too long one is named in ``errors``."""
    words = "".join(filter(_is_kept, text)).split()
    name = " ".join(filter(None, (word.strip(_JOINERS) for word in words)))
    if not any(map(str.isalnum, name)):
        errors["name"] = "Write a name with at least one letter or digit."
    elif len(name) > LONGEST_TEXT:
        errors["name"] = f"Write a name of at most {LONGEST_TEXT} characters."
    return name


def checked_email(text: str | None, errors: dict[str, str]) -> str | None:
    """Return the address, or None for an empty one; one that is none is named in ``errors``."""
    email = (text or "").strip() or None
    if email is not None and not (_EMAIL.fullmatch(email) and len(email) <= LONGEST_TEXT):
        errors["email"] = "Write an e-mail address."
    return email


def phone_number(text: str, *, region: str = DEFAULT_REGION) -> str | None:
    """Return a phone number as E.164, read in ``region`` where it has no country code; None where it is none."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def checked_phone(text: str | None, region: str, errors: dict[str, str]) -> str | None:
    """Return the number as E.164, or None for an empty one; one that is none is named in ``errors``."""
    if not (text or "").strip():
        return None
    number = phone_number(str(text)[:LONGEST_TEXT], region=region)
    if number is None:
        errors["phone"] = N_(
            "Write a phone number, outside the country with its country code, such as +1 416 555 0123."
        )
    return number


def _is_kept(sign: str) -> bool:
    if sign in _FILLERS:
        return False
    return sign.isspace() or sign in _JOINERS or unicodedata.category(sign) not in {"Cf", "Cc"}
