"""What commands print: the result on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Output:
    """`as_json` puts exactly one JSON document on stdout, whatever happens."""

    as_json: bool = False
    printed: bool = field(default=False, init=False)

    def note(self, line: str) -> None:
        """Progress and remarks."""
        print(line, file=sys.stderr, flush=True)

    def result(self, document: Any, lines: Iterable[str] = ()) -> None:
        """The outcome: `document` as JSON, or `lines` for a person."""
        self.printed = True
        if self.as_json:
            print(json.dumps(document, default=str, ensure_ascii=False), flush=True)
            return
        for line in lines:
            print(line, flush=True)

    def failure(self, sentence: str, **details: Any) -> None:
        """The sentence on stderr, and in JSON too unless a document was printed already."""
        self.note(sentence)
        if self.as_json and not self.printed:
            self.result({"error": sentence, **details})


def columns(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as aligned columns under their names."""
    if not rows:
        return []
    cells = [list(rows[0]), *([word(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def word(value: Any) -> str:
    """A value for a person."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
