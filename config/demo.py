"""``make demo``: the reference portal with a real schedule and made-up people, on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from config.processes import HOST, ROOT, NotStarted, environment, free_port, jobs, portal, stop_on_sigterm, valkey
from config.seeding import seed
from config.world.names import PASSWORD, logins

KEPT = ROOT / ".demo"


def main() -> int:
    """Run the demo; return its exit code."""
    parser = ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="keep the database in .demo/, and use the one that is there"
    )
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"), help="default: 8000")
    parser.add_argument("--database", metavar="URL", help="an empty database to use instead of SQLite")
    wanted = parser.parse_args()
    stop_on_sigterm()
    with suppress(KeyboardInterrupt), _directory(keep=wanted.keep) as directory:
        try:
            return _run(directory, port=free_port(wanted.port), database=wanted.database)
        except NotStarted as error:
            print(error, file=sys.stderr)
            return 1
    print("\nStopped.")
    return 0


def _run(directory: Path, *, port: int, database: str | None) -> int:
    environ = environment(directory, database=database)
    print(f"Making the demo in {directory} …", flush=True)
    for line in seed(directory, environ=environ, now=datetime.now(UTC)):
        print(line)
    with (
        valkey(directory) as redis_url,
        jobs(directory, environ=environ | {"REDIS_URL": redis_url}),
        portal(directory, port=port, environ=environ | {"REDIS_URL": redis_url}) as server,
    ):
        _welcome(f"http://{HOST}:{port}")
        return server.wait()


def _welcome(url: str) -> None:
    print(
        "\nThe schedule is the City of Toronto's (Open Government Licence - Toronto); people, passes and pottery are made up."
    )
    print(f"The password of every login is  {PASSWORD}\n")
    for login in logins():
        print(f"  {login.email:<24}{login.who}")
    print(f"\n  The portal    {url}/\n  The API       {url}/api/docs")
    print(f"  The desk      {url}/admin/studio/  (as desk: Today, the rosters, the door)")
    print(
        "                (as manager: also what was missed, suspensions, policies, insights, passes, classes, kiosks)"
    )
    print(f"  The users     {url}/admin/portal_users/  (as owner, who also sees staff, tokens and webhooks)")
    print("\nCtrl-C stops it.", flush=True)


@contextmanager
def _directory(*, keep: bool) -> Iterator[Path]:
    if keep:
        KEPT.mkdir(exist_ok=True)
        yield KEPT
        return
    with TemporaryDirectory(prefix="studio-demo-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


if __name__ == "__main__":
    sys.exit(main())
