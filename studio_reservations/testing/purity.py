"""What a pass type's source must not do, as far as reading it can tell: no database, no web, no clock, no chance, no files.

Source: rules.md §4.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

from studio_reservations.testing.judging import broken

FORBIDDEN = {
    **dict.fromkeys(("sqlalchemy", "flask_sqlalchemy", "sqlite3", "psycopg", "redis", "rq"), "a database"),
    **dict.fromkeys(("flask", "flask_login", "flask_admin", "flask_wtf", "werkzeug", "jinja2"), "the web framework"),
    **dict.fromkeys(
        ("requests", "httpx", "urllib.request", "urllib3", "aiohttp", "socket", "http", "smtplib"), "the network"
    ),
    **dict.fromkeys(("os", "io", "pathlib", "shutil", "tempfile", "subprocess", "threading", "asyncio"), "the machine"),
    **dict.fromkeys(("time", "random", "secrets"), "a clock or chance"),
}
CLOCKS = frozenset({"now", "utcnow", "today", "uuid1", "uuid4", "uuid7"})
DOORS = frozenset({"open", "input", "print", "exec", "eval"})


def check_source(cls: type) -> None:
    """:raises ContractBroken: naming the file and line of what a pass type may not do."""
    for module in _modules(cls):
        try:
            tree = ast.parse(inspect.getsource(module))
        except (OSError, TypeError):  # made at run time: there is nothing to read
            continue
        for node in ast.walk(tree):
            for fault in _faults(node):
                broken(
                    f"{cls.__name__} lives in {module.__name__}, which on line {getattr(node, 'lineno', 0)} {fault}; "
                    "expected answers by the values given alone"
                )


def _modules(cls: type) -> list[ModuleType]:
    """Return the modules of the class and of those that it inherits from, but ours."""
    names = {one.__module__ for one in cls.__mro__}
    ours = ("builtins", "typing", "abc")
    return [
        sys.modules[name]
        for name in sorted(names)
        if name in sys.modules and name not in ours and not name.startswith("studio_reservations.")
    ]


def _faults(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [one.name for one in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
    else:
        names = []
    for name in names:
        reached = FORBIDDEN.get(name) or FORBIDDEN.get(name.partition(".")[0])
        if reached is not None:
            yield f"imports {name}: that is {reached}"
            return
        if name.startswith(
            ("studio_reservations.models", "studio_reservations.services", "studio_reservations.database")
        ):
            yield f"imports {name}: that is the database"
            return
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield f"calls {node.func.attr}(): take `held.now`, and ids that are given"
        elif isinstance(node.func, ast.Name) and node.func.id in DOORS | {"uuid1", "uuid4"}:
            yield f"calls {node.func.id}()"
