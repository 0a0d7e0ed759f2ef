"""docs/asvs.csv: what of OWASP's ASVS 5.0, level 2, is met, and that each claim names a test there is."""

import ast
import csv
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

from dashapp.config import ROOT

TABLE = ROOT / "docs" / "asvs.csv"
LEVEL_2 = (27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7)  # requirements of each chapter, 253 in all
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
    counted = Counter(int(id_.split(".")[0]) for id_ in set(found) - BEYOND if id_[0].isdigit())
    assert tuple(counted[chapter] for chapter in range(1, 18)) == LEVEL_2


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
