"""The catalogues hold what the sources say, and what is compiled is what is written."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from config.translations import catalogues, texts_of_the_sources, untranslated
from studio_reservations.language import FOLDER, language_for

TEMPLATES = FOLDER.parent / "templates" / "studio_reservations"


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_each_catalogue_is_up_to_date_and_compiled(path):
    written = read_po(BytesIO(path.read_bytes()))
    compiled = read_mo(BytesIO(path.with_suffix(".mo").read_bytes()))

    assert {named(one) for one in texts_of_the_sources() if one.id} == {named(one) for one in written if one.id}
    assert compiled.plural_forms == written.plural_forms
    untold = untranslated(written)
    told = {named(one): list(one.string or ()) for one in written if one.id and str(one.id) not in untold}
    assert {named(one): list(one.string or ()) for one in compiled if one.id} == told


def named(message):
    return tuple(message.id) if message.pluralizable else message.id


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_a_translation_names_the_same_values_as_the_text(path):
    catalog = read_po(BytesIO(path.read_bytes()))

    assert [
        (message.id, [str(one) for one in message.check(catalog)]) for message in catalog if [*message.check(catalog)]
    ] == []


PLACEHOLDER = re.compile(r"%\(\w+\)s|\{(\w+)(?::(?:day|time|word|titles|[^{}|]*\|[^{}]*))?\}")


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_every_text_has_its_translation_with_the_same_placeholders(path):
    catalog = read_po(BytesIO(path.read_bytes()))

    assert untranslated(catalog) == []
    assert [one.id for one in catalog if one.fuzzy] == []
    for message in catalog:
        if message.id:
            ids, told = forms(message.id), forms(message.string)
            for text in told:
                assert placeholders(text) in {*map(placeholders, ids)}, text
                assert not re.search(r"[{}]|%\(", PLACEHOLDER.sub("", text)), text


@pytest.mark.parametrize("path", [one for one in catalogues() if one.parts[-3] == "fr"])
def test_french_is_set_as_french(path):
    for message in read_po(BytesIO(path.read_bytes())):
        for text in forms(message.string) if message.id else ():
            bare = PLACEHOLDER.sub("0", text)
            bare = re.sub(r"Content-Type: application/json|HH:mm", "", bare)
            assert not re.search(r"[^\u202f][;!?]|[^\u00a0]:|«[^\u00a0]|[^\u00a0]»|[\w]'[\w%{]|\"", bare), text


@pytest.mark.parametrize("path", [one for one in catalogues() if one.parts[-3] == "fr"])
def test_no_french_word_that_is_elided_stands_before_a_name(path):
    for message in read_po(BytesIO(path.read_bytes())):
        for text in forms(message.string) if message.id else ():
            assert not re.search(r"\b(?:de|[a-z]*que|ne|le|la) %\((?:name|city|studio|what)\)s", text, re.IGNORECASE), (
                text
            )


@pytest.mark.parametrize(
    "path",
    sorted(one for folder in ("pages", "mail", "kiosk") for one in (TEMPLATES / folder).iterdir()),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_no_text_stands_in_a_template_unmarked(path):
    assert unmarked(path.read_text()) == []


def test_a_text_that_is_not_marked_is_found():
    assert unmarked('<p title="Pages">{{ say("One") }} of {{ n }} seats</p>{% if a > b %}Left{% endif %}') == [
        "Pages",
        "seats",
        "Left",
    ]


def unmarked(template):
    """Return the words of three letters or more that stand in a template as they are."""
    ignored = r"{#.*?#}|<style>.*?</style>|<!doctype html>|{% block (tone|width|width_top) %}.*?{% endblock %}"
    bare = re.sub(r"{{.*?}}|{%.*?%}", "", re.sub(ignored, "", template, flags=re.DOTALL), flags=re.DOTALL)
    labels = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', bare)
    return re.findall(r"[^\W\d_]{3,}", " ".join((*labels, re.sub(r"<[^>]*>", " ", bare))))


def placeholders(text):
    """Return the names that are filled, and how those are shown that are not counted."""
    found = re.findall(r"%\((\w+)\)s|\{(\w+)(?::(day|time|word|titles))?", text)
    return tuple(sorted({":".join(filter(None, one)) for one in found}))


def forms(text):
    """Return a text's forms, one or two."""
    return [text] if isinstance(text, str) else list(text)


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        (("fr-CA",), "fr-CA"),
        (("fr_FR", "en"), "fr-FR"),
        ((None, "de", "en-GB"), "en-GB"),
        (("xx-YY-zz", "", "fr"), "fr"),
        ((), "en"),
        (("nonsense" * 9,), "en"),
    ],
)
def test_the_first_language_that_there_is_is_taken(tags, chosen):
    assert language_for(*tags).tag == chosen
