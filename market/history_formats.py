"""Candle files of every kind: what a file is, is told by its first bytes, never by its name."""

import zipfile
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import PurePosixPath

import numpy as np

from core.errors import Refused
from market import history_parquet, history_rows
from market.history_rows import FILE_BITS, Rows

ZIP, EMPTY_ZIP, PARQUET = b"PK\x03\x04", b"PK\x05\x06", b"PAR1"
MOST_FILES = 1_000  # in one archive: eighty years of monthly files
TEXTS = (".csv", ".txt")
CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db")  # what systems add to archives


def read(content: bytes, base: str = "") -> Rows:
    """The rows of a CSV, CSV.GZ, ZIP (of one or several CSV) or Parquet file; `base` as in `history_rows.read`.

    Raises Refused for what is none of these, for archives that are damaged, locked or too large unpacked, and for those
    with names that point outside of the archive.
    """
    if content[:4] in (ZIP, EMPTY_ZIP):
        return _read_zip(content, base)
    if content[:4] == PARQUET:
        if len(content) > history_rows.MAX_BYTES:
            raise Refused(f"The file holds more than {history_rows.MAX_BYTES >> 20} MB. Split it into smaller files.")
        return history_parquet.read(content, base)
    return history_rows.read(history_rows.unpack(content), base)


def _read_zip(content: bytes, base: str) -> Rows:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = _members(archive)
            return _join([member.filename for member in members], _texts(archive, members), base)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise Refused("The ZIP file is damaged, cut off or packed in an unknown way. Download it again.") from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The CSV files of an archive in the order of their names."""
    members = [
        m for m in archive.infolist() if not m.is_dir() and not set(CLUTTER) & set(PurePosixPath(m.filename).parts)
    ]
    if not members:
        raise Refused("The ZIP file holds no CSV file.")
    if len(members) > MOST_FILES:
        raise Refused(f"The ZIP file holds more than {MOST_FILES} files. Split it into smaller ones.")
    for member in members:
        _admit(member)
    return sorted(members, key=lambda member: member.filename)


def _admit(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise Refused("The ZIP file names a file outside of itself. Such an archive is not opened.")
    if path.suffix.lower() not in TEXTS:
        raise Refused(f"The ZIP file holds “{path.name[:80]}”, which is no CSV file. Pack only CSV files into it.")
    if member.flag_bits & 0x1:
        raise Refused("The ZIP file is locked with a password. Unlock it first.")


def _texts(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> list[bytes]:
    """What the files hold. What an archive says of its sizes is not believed: reading stops at MAX_BYTES."""
    left, texts = history_rows.MAX_BYTES, []
    for member in members:
        with archive.open(member) as file:
            text = file.read(left + 1)
        left -= len(text)
        if left < 0:
            raise Refused(
                f"The ZIP file holds more than {history_rows.MAX_BYTES >> 20} MB unpacked. Split it into smaller files."
            )
        texts.append(text)
    return texts


def _join(names: list[str], texts: list[bytes], base: str) -> Rows:
    parts = [_read_member(name, text, base, alone=len(names) == 1) for name, text in zip(names, texts, strict=True)]
    shifted = [replace(part, lines=part.lines + (k << FILE_BITS)) for k, part in enumerate(parts)]
    return Rows(
        tuple(np.concatenate(columns) for columns in zip(*(part.columns for part in parts), strict=True)),
        np.concatenate([part.lines for part in shifted]),
        [((k << FILE_BITS) + line, reason) for k, part in enumerate(parts) for line, reason in part.unreadable],
        np.concatenate([part.trades for part in parts]),
        tuple(names),
    )


def _read_member(name: str, text: bytes, base: str, *, alone: bool) -> Rows:
    try:
        return history_rows.read(history_rows.unpack(text), base)
    except Refused as refusal:
        if alone:
            raise
        raise Refused(f"{name}: {refusal.sentence}") from refusal
