"""docs/asvs.csv: what of OWASP's ASVS 5.0, level 2, is met, and that each claim names a test there is."""

import ast
import csv
import re
from functools import lru_cache
from pathlib import Path

from dashapp.config import ROOT

TABLE = ROOT / "docs" / "asvs.csv"
LEVEL_2 = """
1.1:1,2 1.2:1,2,3,4,5,6,7,8,9 1.3:1,2,3,4,5,6,7,8,9,10,11 1.4:1,2,3 1.5:1,2 2.1:1,2,3 2.2:1,2,3 2.3:1,2,3,4
2.4:1 3.2:1,2 3.3:1,2,3,4 3.4:1,2,3,4,5,6 3.5:1,2,3,4,5 3.7:1,2 4.1:1,2,3 4.2:1 4.3:1,2 4.4:1,2,3,4 5.1:1
5.2:1,2,3 5.3:1,2 5.4:1,2,3 6.1:1,2,3 6.2:1,2,3,4,5,6,7,8,9,10,11,12 6.3:1,2,3,4 6.4:1,2,3,4 6.5:1,2,3,4,5
6.6:1,2,3 6.8:1,2,3,4 7.1:1,2,3 7.2:1,2,3,4 7.3:1,2 7.4:1,2,3,4,5 7.5:1,2 7.6:1,2 8.1:1,2 8.2:1,2,3 8.3:1
8.4:1 9.1:1,2,3 9.2:1,2,3,4 10.1:1,2 10.2:1,2 10.3:1,2,3,4 10.4:1,2,3,4,5,6,7,8,9,10,11 10.5:1,2,3,4,5
10.6:1,2 10.7:1,2,3 11.1:1,2 11.2:1,2,3 11.3:1,2,3 11.4:1,2,3,4 11.5:1 11.6:1 12.1:1,2,3 12.2:1,2 12.3:1,2,3,4
13.1:1 13.2:1,2,3,4,5 13.3:1,2 13.4:1,2,3,4,5 14.1:1,2 14.2:1,2,3,4 14.3:1,2,3 15.1:1,2,3 15.2:1,2,3
15.3:1,2,3,4,5,6,7 16.1:1 16.2:1,2,3,4,5 16.3:1,2,3,4 16.4:1,2,3 16.5:1,2,3 17.1:1 17.2:1,2,3,4 17.3:1,2
"""  # chapter.section:requirements of levels 1 and 2, 253 in all
BEYOND = {"1.2.10", "6.3.8"}  # of level 3, taken all the same
SECTIONS = (
    "Ways in",
    "Who may what",
    "Limits",
    "Keys and algorithms",
    "Data",
    "Logs",
    "Connections",
    "Updates",
    "What is not met",
)


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wanted() -> set[str]:
    parts = (part.partition(":") for part in LEVEL_2.split())
    return {f"{section}.{number}" for section, _, numbers in parts for number in numbers.split(",")}


@lru_cache
def names_in(name: str) -> frozenset[str]:
    """The tests of a file, without running it."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_requirement_stands_once_with_a_status_and_a_topic() -> None:
    found = [row["requirement"] for row in rows()]
    assert len(found) == len(set(found))
    assert {row["status"] for row in rows()} == {"met", "partly", "not", "n/a"}
    assert [row["requirement"] for row in rows() if not row["topic"]] == []
    assert len(wanted()) == 253
    assert {id_ for id_ in found if id_[0].isdigit()} == wanted() | BEYOND


def test_what_is_met_names_a_test_that_exists() -> None:
    for row in rows():
        if row["status"] == "met" or row["test"]:
            name, _, test = row["test"].partition("::")
            assert test in names_in(name), (
                f"{row['requirement']}: {row['test']} is no test; name another in docs/asvs.csv"
            )


def test_what_is_not_met_says_why() -> None:
    assert [row["requirement"] for row in rows() if row["status"] != "met" and not row["note"]] == []
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## What is not met")[2]
    assert [
        row["requirement"] for row in rows() if row["status"] in {"not", "partly"} and row["requirement"] not in page
    ] == []


def test_every_row_of_the_checks_has_a_test_or_a_reason() -> None:
    """S01 to S42; a test is named after its row: test_s17_…"""
    names = [
        name for path in (ROOT / "tests").rglob("test_*.py") for name in names_in(str(Path(path).relative_to(ROOT)))
    ]
    tested = {f"S{number}" for name in names for number in re.findall(r"_s(\d\d)(?=_)", name.replace("test", "", 1))}
    excused = {row["requirement"] for row in rows() if row["requirement"].startswith("S")}
    assert {f"S{n:02}" for n in range(1, 43)} - tested == excused
    assert all("not applicable yet" in row["note"] for row in rows() if row["requirement"] in excused)


def test_the_security_page_has_the_sections_that_asvs_asks_for() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for section in SECTIONS:
        body = re.search(rf"^## {section}\n(.+?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        assert body is not None, section
        assert len(body[1].split()) > 25, section
