"""Packed rows, as PostgreSQL reads them."""

import numpy as np
from sqlalchemy import text

from db.binary_copy import copy_in, copy_out, join, pack


def rows(first: int, n: int) -> bytes:
    return pack([("i8", np.arange(first, first + n)), ("f8", 0.5), ("S2", b"1m")], n)


def test_joined_parts_are_the_rows_of_one_packed_whole() -> None:
    assert join([rows(0, 3), rows(3, 0), rows(3, 2)]) == rows(0, 5)


def test_joined_parts_go_in_by_one_copy_and_come_out_as_they_were(session) -> None:
    session.execute(text("CREATE TEMP TABLE packed (number int8, share float8, word text) ON COMMIT DROP"))
    copy_in(session, "packed (number, share, word)", join([rows(7, 2), rows(0, 1)]))
    found = copy_out(session, "SELECT number, share, word FROM packed ORDER BY number", [], ("i8", "f8", "S2"))
    assert [tuple(row) for row in found[["c0", "c1", "c2"]].tolist()] == [
        (0, 0.5, b"1m"),
        (7, 0.5, b"1m"),
        (8, 0.5, b"1m"),
    ]
