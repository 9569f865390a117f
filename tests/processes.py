"""Real processes that do the same thing at the same instant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[1]


def run_at_once(count: int, *, prepare: str, act: str, arguments: tuple[str, ...] = ()) -> list[str]:
    """Run ``act`` in ``count`` processes at once, after each has run ``prepare``; return what each printed.

    Both are Python source; ``arguments`` are in ``sys.argv[1:]``.
    """
    source = "\n".join(
        ["import sys", dedent(prepare), "print('ready', flush=True)", "sys.stdin.readline()", dedent(act)]
    )
    command = [sys.executable, "-W", "error", "-c", source, *arguments]
    processes = [
        subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, outcomes, strict=True):
        assert process.returncode == 0, errors
    return [output for output, _ in outcomes]
