"""Run the tour: a fresh portal on a free port, and the story from its first step to its last."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from config.clock import FILE, move
from config.processes import NotStarted, environment, free_port, portal, stop_on_sigterm, valkey
from config.seeding import seed
from config.tour import attending, cancelling, desk, racing, refusals, reserving
from config.tour.stage import BEGIN, Stage
from config.tour.telling import Telling

CHAPTERS: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    ("Who is calling", reserving.who_is_calling),
    ("A reservation with each pass type", reserving.each_pass_type),
    ("Each refusal, in the order of the rules", refusals.each_refusal),
    ("Checking in", attending.checking_in),
    ("Cancelling: early, undone, late", cancelling.early_and_late),
    ("Moving, and what depends on what", cancelling.moving),
    ("In and after the class", attending.during_the_class),
    ("Retries, and what cannot be read", reserving.again_and_again),
    ("Staff: overrides, and who may what", desk.overriding),
    ("Staff: sessions and passes", desk.sessions_and_passes),
    ("A makeup", attending.a_makeup),
    ("The last seat", racing.the_last_seat),
)


def main() -> int:
    """Tell the story; return 0 where all was as told."""
    parser = ArgumentParser(prog="make tour", description=__doc__)
    parser.add_argument("--database", metavar="URL", help="an empty database to use instead of SQLite")
    wanted = parser.parse_args()
    stop_on_sigterm()
    tell, began = Telling(), monotonic()
    with (
        suppress(KeyboardInterrupt),
        TemporaryDirectory(prefix="studio-tour-", ignore_cleanup_errors=True) as directory,
    ):
        try:
            _play(tell, Path(directory), database=wanted.database)
        except NotStarted as error:
            print(error, file=sys.stderr)
            return 1
        right = tell.end()
        print(f"{monotonic() - began:.0f} seconds.")
        return 0 if right else 1
    return 130


def _play(tell: Telling, directory: Path, *, database: str | None) -> None:
    clock = directory / "clock"
    move(clock, BEGIN)
    os.environ[FILE] = str(clock)
    environ = environment(directory, database=database, STUDIO_CLOCK="config.clock:now")
    print(f"Making a portal of its own in {directory} …", flush=True)
    seed(directory, environ=environ, now=BEGIN)
    port = free_port()
    with valkey(directory) as redis_url, portal(directory, port=port, environ=environ | {"REDIS_URL": redis_url}):
        print(
            f"It answers on port {port}. Its clock shows {BEGIN:%A, %-d %B %Y, %H:%M} in Toronto; the story moves it."
        )
        stage = Stage(tell, port=port, clock=clock, environ=environ)
        for title, chapter in CHAPTERS:
            tell.chapter(title)
            try:
                chapter(stage)
            except Exception as error:  # the other chapters can still be told
                tell.broken(title, error)


if __name__ == "__main__":
    sys.exit(main())
