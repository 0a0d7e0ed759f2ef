"""What an AG Grid asks for, taken apart: nothing of it is trusted."""

from dataclasses import dataclass
from typing import Any

MOST = 200  # rows in one answer
LONGEST = 80  # characters of a search


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows `start` to `start + limit`, sorted by a column of this name; empty for the table's own order."""

    start: int
    limit: int
    sort: str
    descending: bool

    @classmethod
    def of(cls, request: Any) -> "Asked":
        given = request if isinstance(request, dict) else {}
        start, end = (_whole(given.get(word)) for word in ("startRow", "endRow"))
        model = given.get("sortModel")
        first = model[0] if isinstance(model, list) and model and isinstance(model[0], dict) else {}
        limit = max(1, min(MOST, end - start)) if end > start else 50
        return cls(start, limit, str(first.get("colId", "")), first.get("sort", "desc") == "desc")

    def given(self) -> dict[str, Any]:
        """As the arguments of a query; without `sort` its own order holds."""
        page: dict[str, Any] = {"start": self.start, "limit": self.limit}
        return page | ({"sort": self.sort, "descending": self.descending} if self.sort else {})


def _whole(value: Any) -> int:
    return min(value, 10**9) if isinstance(value, int) and value > 0 else 0


def words_of(text: Any) -> str:
    """What to search for: text, not too long, without what PostgreSQL can't hold."""
    return text.replace("\x00", "").strip()[:LONGEST] if isinstance(text, str) else ""


def first_id(rows: Any) -> str | None:
    """The id of the chosen row, None where none is."""
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return None
    found = rows[0].get("id")
    return found[:LONGEST].replace("\x00", "") if isinstance(found, str) else None
