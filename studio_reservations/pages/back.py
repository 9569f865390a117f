"""Where one goes back to after an action: the page of ours on which its form stood, with its filters."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request

from studio_reservations.state import current_state

OF_A_STRIP = frozenset({"done", "it"})


def here() -> str:
    """Return this page's address for the field ``back`` of a form; of a page shown again, where it was to go back to."""
    if request.method == "POST":
        return back_from_form("") or _path()
    return _without_strip(_path(), request.query_string.decode("ascii", "replace"))


def came_from() -> str | None:
    """Return the page of ours in this page's own address, from which it was opened."""
    return _ours(request.args.get("back", ""))


def place_of(address: str) -> str:
    """Return the first word of an address of ours behind the prefix, such as ``calendar``."""
    return urlsplit(address).path.removeprefix(_prefix()).partition("/")[0]


def back_from_form(otherwise: str, **strip: object) -> str:
    """Return the address in the form's field ``back`` if it is a page of ours, else ``otherwise``; with a strip."""
    address = _ours(request.form.get("back", "")) or otherwise
    if not strip or not address:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(strip)}"


def _ours(text: str) -> str | None:
    """Return the address if it is that of a page of ours."""
    try:
        sent = urlsplit(text)
    except ValueError:  # such as //[
        return None
    ours = not sent.scheme and not sent.netloc and sent.path.startswith(_prefix()) and "\\" not in sent.path
    return _without_strip(sent.path, sent.query) if ours else None


def _prefix() -> str:
    return f"{request.script_root}{current_state().settings.pages_prefix}/"


def _path() -> str:
    return f"{request.script_root}{request.path}"


def _without_strip(path: str, query: str) -> str:
    kept = urlencode([(name, value) for name, value in parse_qsl(query) if name not in OF_A_STRIP])
    return f"{path}?{kept}" if kept else path
