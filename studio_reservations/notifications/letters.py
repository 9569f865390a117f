"""A message as it is sent: words from one template, laid out as HTML and as text.

A template holds blocks of plain words; the layouts escape what is in them. A portal's own folder is looked at first, and there
first for the customer's language. Source: rules.md §9.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from css_inline import CSSInliner
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

FOLDER = "studio_reservations/mail"
OWN_FOLDER = Path(__file__).parent.parent / "templates"
BLOCKS = ("subject", "title", "chip", "tone", "so", "why", "todo", "action")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a message says; ``so``, ``why`` and ``todo`` are paragraphs."""

    subject: str
    title: str
    chip: str
    tone: str
    action: str
    so: tuple[str, ...]
    why: tuple[str, ...]
    todo: tuple[str, ...]

    @property
    def preheader(self) -> str:
        """What a list of messages shows beside the subject."""
        return next(iter((*self.so, *self.why)), "")


class Templates:
    """The templates of one portal; ``host`` is its own loader, which overrides ours file by file.

    An override may extend what it replaces: ``{% extends "original/confirmation.txt" %}``.
    """

    def __init__(self, host: BaseLoader | None = None) -> None:
        ours = FileSystemLoader(OWN_FOLDER)
        original = PrefixLoader({"original": FileSystemLoader(OWN_FOLDER / FOLDER)})
        loader = ChoiceLoader([*([host] if host is not None else []), ours, original])
        options: dict[str, Any] = {
            "loader": loader,
            "undefined": StrictUndefined,
            "trim_blocks": True,
            "lstrip_blocks": True,
        }
        self._plain = Environment(autoescape=False, **options)  # noqa: S701 - words; the layouts escape
        self._html = Environment(autoescape=True, **options)
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def words(self, name: str, context: Mapping[str, Any], *, locale: str | None) -> Words:
        """Return what the message ``name`` says about ``context``, a key for each name that the template uses."""
        template = self._plain.select_template([*_localised(f"{name}.txt", locale)])
        rendering = template.new_context(dict(context))
        deque(template.root_render_func(rendering), maxlen=0)  # brings in the blocks of what it extends
        blocks = rendering.blocks
        said = {name: "".join(blocks[name][0](rendering)) if name in blocks else "" for name in BLOCKS}
        if missing := [block for block in ("subject", "title", "so") if not said[block].strip()]:
            raise ValueError(f"The template of {name} has no words in: {', '.join(missing)}.")
        return Words(
            subject=_line(said["subject"]),
            title=_line(said["title"]),
            chip=_line(said["chip"]),
            tone=_line(said["tone"]) or "plain",
            action=_line(said["action"]),
            so=_paragraphs(said["so"]),
            why=_paragraphs(said["why"]),
            todo=_paragraphs(said["todo"]),
        )

    def text_message(self, name: str, context: Mapping[str, Any], *, locale: str | None) -> str:
        """Return a message of one line, for SMS: with the spaces and apostrophes of which its alphabet knows."""
        template = self._plain.select_template([*_localised(f"{name}.txt", locale)])
        return " ".join(template.render(dict(context)).split()).replace("’", "'")

    def html(self, words: Words, context: Mapping[str, Any], *, locale: str | None) -> str:
        """Return the HTML part, its style inlined."""
        template = self._html.select_template([*_localised("layout.html", locale)])
        return self._inliner.inline(template.render({**context, "words": words}))

    def text(self, words: Words, context: Mapping[str, Any], *, locale: str | None) -> str:
        """Return the plain text part."""
        template = self._plain.select_template([*_localised("layout.txt", locale)])
        return template.render({**context, "words": words}).strip() + "\n"


def _localised(name: str, locale: str | None) -> Iterable[str]:
    tag = (locale or "").replace("_", "-")
    for language in dict.fromkeys((tag, tag.partition("-")[0])):
        if language and language.replace("-", "").isalnum():
            yield f"{FOLDER}/{language}/{name}"
    yield f"{FOLDER}/{name}"


def _line(text: str) -> str:
    """Return it on one line; no-break spaces stay what they are."""
    return re.sub(r"[^\S\u00a0\u202f]+", " ", text).strip(" ")


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(line for one in text.split("\n\n") if (line := _line(one)))
