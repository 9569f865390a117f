"""The catalogues hold what the sources say, and what is compiled is what is written."""

from __future__ import annotations

from io import BytesIO

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from config.translations import catalogues, texts_of_the_sources, untranslated
from studio_reservations.language import language_for


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_each_catalogue_is_up_to_date_and_compiled(path):
    written = read_po(BytesIO(path.read_bytes()))
    compiled = read_mo(BytesIO(path.with_suffix(".mo").read_bytes()))

    assert {named(one) for one in texts_of_the_sources() if one.id} == {named(one) for one in written if one.id}
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
