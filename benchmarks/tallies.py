"""What came out at the far end against what should have: nothing lost, nothing doubled but under the same id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

COLUMNS = "{:<34} {:>9} {:>9} {:>9} {:>6} {:>8} {:>8}"
HEAD = COLUMNS.format("", "expected", "received", "unique", "lost", "doubled", "strange")


@dataclass(slots=True)
class Tally:
    """Messages of one kind: what each should be about, once; and those that arrived, as (id, what it is about)."""

    expected: set[str]
    arrived: list[tuple[str, str]] = field(default_factory=list)

    @property
    def unique(self) -> Counter[str]:
        """How often each thing was told of under an id of its own."""
        return Counter(about for _, about in set(self.arrived))

    @property
    def lost(self) -> set[str]:
        """What nobody told of."""
        return self.expected - self.unique.keys()

    @property
    def doubled(self) -> set[str]:
        """What was told of under two ids, so that a receiver takes it for two."""
        return {about for about, times in self.unique.items() if times > 1}

    @property
    def strange(self) -> set[str]:
        """What was told of and should not have been."""
        return self.unique.keys() - self.expected

    @property
    def faults(self) -> int:
        """How much is wrong."""
        return len(self.lost) + len(self.doubled) + len(self.strange)

    def of(self, expected: Iterable[str]) -> Tally:
        """Return the part that is about some of it."""
        wanted = set(expected)
        return Tally(self.expected & wanted, [one for one in self.arrived if one[1] in wanted])

    def row(self, name: str) -> str:
        """Return it as a line under `HEAD`."""
        numbers = (self.expected, self.arrived, self.unique, self.lost, self.doubled, self.strange)
        return COLUMNS.format(name, *map(len, numbers))
