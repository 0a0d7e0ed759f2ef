"""`settings`: docs/settings.md, .env.example and the README's table, written from `core.settings`."""

import argparse
from pathlib import Path

from core import settings as environment
from core.settings import Settings
from dashapp.cli.output import Output
from dashapp.cli.register import Add
from dashapp.version import ROOT

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
COMPOSE = """\
# compose.yaml alone reads these two: letters and digits, 32 or more (openssl rand -hex 24).
#POSTGRES_PASSWORD=
#REDIS_PASSWORD=
"""


def register(add: Add) -> None:
    show = add("settings", settings, "List every setting, its default and what it is for.")
    show.add_argument("--write", action="store_true", help="write docs/settings.md, .env.example and README.md anew")


def settings(asked: argparse.Namespace, _settings: Settings, output: Output) -> int:
    if asked.write:
        written = [path for path, text in files(ROOT).items() if _put(path, text)]
        output.result({"written": [str(path) for path in written]}, [f"{path} written." for path in written])
        return 0
    described = [{"variable": v, "default": d, "about": a} for v, d, a in environment.describe()]
    output.result(described, table().splitlines())
    return 0


def table() -> str:
    """A Markdown table of all settings."""
    rows = [f"| `{v}` | {f'`{d}`' if d else ''} | {a} |" for v, d, a in environment.describe()]
    return "\n".join(["| variable | default | what it is for |", "|---|---|---|", *rows]) + "\n"


def page() -> str:
    """docs/settings.md."""
    return (
        "# Settings\n\nBolt is set through environment variables, read once at the start; a value that cannot be used\n"
        "stops the start with a sentence that names it. Each may stand in a file instead:\n"
        "`SECRET_KEY_FILE=/run/secrets/key`.\n\n"
        f"{table()}\nThis page is generated: `python -m dashapp settings --write`.\n"
    )


def example() -> str:
    """.env.example: every variable commented out with its default."""
    lines = ["# Settings of Bolt. Copy to .env for compose.yaml, or export them. All are optional.", ""]
    for name, default, about in environment.describe():
        lines += [f"# {about}", f"#{name}={default}", ""]
    return "\n".join([*lines, COMPOSE])


def readme(text: str) -> str:
    """The README with the table between its two marks written anew; unchanged where it has no marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}{END}{tail}" if begin and end else text


def files(root: Path) -> dict[Path, str]:
    """What each generated file must hold."""
    made = {root / "docs" / "settings.md": page(), root / ".env.example": example()}
    if (root / "README.md").exists():
        made[root / "README.md"] = readme((root / "README.md").read_text(encoding="utf-8"))
    return made


def _put(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True
