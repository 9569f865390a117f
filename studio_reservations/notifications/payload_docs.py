"""The page for developers about webhooks, made from the models.

``python -m studio_reservations.notifications.payload_docs > docs/developers/webhooks.md`` writes it; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from studio_reservations.notifications.payloads import EVENTS, MEANINGS, WebhookBody

INTRODUCTION = """\
# Webhooks

A studio's events can be posted to addresses of its own, signed after [Standard
Webhooks](https://www.standardwebhooks.com). An owner adds one with `flask studio webhooks add --studio SLUG --url
https://example.org/hooks` (`--event NAME` for some events only), which shows its secret this once.

```python
from standardwebhooks import Webhook

event = Webhook(secret).verify(request.get_data(), dict(request.headers))
```

- **Answer 2xx within 10 seconds**, and do the work afterwards. Anything else is a failure; redirects are not
  followed.
- **At least once.** The same event may come twice, and after a later one. `webhook-id` stays the same over every
  attempt: keep those you have seen.
- A failed one is tried again after up to 30 seconds, doubled each time up to 6 hours (full jitter), and parked for
  staff after 20 attempts.
- An endpoint that has failed for a whole day, or answers 410, is switched off; its owners are told by mail. What
  waited is parked: after `flask studio webhooks enable` it can be sent again, under the same ids.
- `flask studio webhooks rotate` gives a new secret. For a day `webhook-signature` holds the signatures of both, so
  change yours meanwhile; there is no further one in that day. `flask studio webhooks end-old-secret` ends the old one
  at once, as where it has leaked.
- Addresses must be https and on the public internet, unless the portal sets `STUDIO_WEBHOOK_ALLOW_PRIVATE`.

The bodies hold ids and no personal data: ask the API for names. Ignore fields that you do not know; within a
version fields are only added.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield "## The body\n"
    yield from _table(WebhookBody)
    yield "## Events\n"
    yield "| event | what happened |\n| --- | --- |"
    for event in EVENTS:
        yield f"| [`{event}`](#{event.replace('.', '')}) | {MEANINGS[event]} |"
    yield ""
    for event, model in EVENTS.items():
        yield f"### {event}\n"
        yield from _table(model)


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "| --- | --- | --- |"
    described = model.model_json_schema()["properties"]
    for name in sorted(described, key=lambda name: name == "by"):  # who acted comes last
        yield f"| `{name}` | {_type(described[name])} | {described[name].get('description', '')} |"
    yield ""


def _type(one: dict[str, Any]) -> str:
    if "anyOf" in one:
        return " or ".join(_type(kind) for kind in one["anyOf"])
    if "const" in one:
        return f"`{one['const']}`"
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "format" in one:
        return {"uuid": "UUID", "date-time": "instant, RFC 3339", "date": "local date"}[one["format"]]
    if one.get("type") == "array":
        return f"list of {_type(one['items'])}" if one.get("items") else "list"
    return str(one.get("type", "any"))


if __name__ == "__main__":
    sys.stdout.write(page())
