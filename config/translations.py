"""``make translations``: collect every text that people read, bring the catalogues up to date, and compile them.

A text is marked where it stands: ``say("…")`` and ``says("one", "many", n)`` in pages, letters and their templates, ``N_("…")``
where it is translated later; the titles and sentences of `wording` are marked by being there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from config.processes import ROOT
from studio_reservations.language import DOMAIN, FOLDER

PACKAGE = ROOT / "studio_reservations"
NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)
"""Compiled twice, a catalogue is the same file."""

KEYWORDS: dict[str, Any] = {"say": None, "says": (1, 2), "N_": None}
METHODS = [
    ("wording.py", "config.translations:extract_wording"),
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("templates/**/mail/*.txt", "jinja2"),
]

HEADER = """# Brought up to date by `make translations`.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def main() -> int:
    """Update the catalogues; return 1 where a text has no translation."""
    texts = texts_of_the_sources()
    missing = 0
    for path in catalogues():
        catalog = _read(path)
        catalog.update(texts, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        path.write_bytes(as_po(catalog))
        path.with_suffix(".mo").write_bytes(as_mo(catalog))
        untold = untranslated(catalog)
        missing += len(untold)
        print(f"{path.relative_to(ROOT)}: {len(catalog)} texts, {len(untold)} without a translation")
        for text in untold:
            print(f"  {text}")
    return 1 if missing else 0


def texts_of_the_sources() -> Catalog:
    """Return a catalogue of all that is marked, sorted, without places: a line moved is no change of a text."""
    catalog = Catalog(charset="utf-8")
    found = extract_from_dir(PACKAGE, method_map=METHODS, options_map={}, keywords=KEYWORDS)
    for message in sorted({message for _, _, message, _, _ in found}, key=str):
        catalog.add(message)
    return catalog


def catalogues() -> list[Path]:
    """Return the file of each language."""
    return sorted(FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def untranslated(catalog: Catalog) -> list[str]:
    """Return what has no translation, or not all its forms."""
    texts = (message for message in catalog if message.id)
    return [str(one.id) for one in texts if not (all(one.string) if isinstance(one.string, tuple) else one.string)]


def as_po(catalog: Catalog) -> bytes:
    """Return the catalogue as people edit it."""
    written = BytesIO()
    write_po(written, catalog, width=120, sort_output=True, omit_header=True)
    header = HEADER.format(language=catalog.locale_identifier, plurals=catalog.plural_forms)
    return header.encode() + written.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """Return the catalogue as programs read it, without what has no translation: that is English then, not empty."""
    written = BytesIO()
    told = Catalog(locale=catalog.locale_identifier, charset="utf-8", creation_date=NO_DATE, revision_date=NO_DATE)
    told.mime_headers = [
        ("Plural-Forms", catalog.plural_forms)
    ]  # what is written there, whatever Babel's own table says
    untold = untranslated(catalog)
    for message in catalog:
        if message.id and str(message.id) not in untold:
            told.add(message.id, message.string)
    write_mo(written, told)
    return written.getvalue()


def extract_wording(
    source: Any,
    _keywords: Any,
    _comment_tags: Any,
    options: Any,  # noqa: ARG001 - Babel's signature
) -> Iterator[tuple[int, str, Any, list[str]]]:
    """Yield the title and the sentences of each entry of the catalogue, and what is marked beside them."""
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_w", "N_"):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, "N_", argument.value, []


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, domain=DOMAIN)


if __name__ == "__main__":
    sys.exit(main())
