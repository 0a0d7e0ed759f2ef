"""Files appear whole or not at all, and are used only while their hashes match."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable
from ml import artefacts, checkpoints
from ml.checkpoints import Keeper, Kept
from tests.ml import versions

ASKED = versions.config()
FILES = versions.files(ASKED)
FOLDER = f"{ASKED.family}/job-1"


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, str]:
    return artefacts.save(tmp_path, FOLDER, FILES)


def test_what_was_saved_can_be_loaded(tmp_path: Path, manifest: dict[str, str]) -> None:
    loaded = artefacts.load(tmp_path, FOLDER, manifest)
    assert (loaded.model, loaded.config, loaded.k) == (FILES["model.onnx"], ASKED, 0.8)


def test_manifest_holds_the_hash_of_every_file(tmp_path: Path, manifest: dict[str, str]) -> None:
    written = json.loads((tmp_path / FOLDER / "manifest.json").read_text())
    assert written == manifest
    for name, expected in manifest.items():
        assert hashlib.sha256((tmp_path / FOLDER / name).read_bytes()).hexdigest() == expected


def test_nothing_temporary_is_left(tmp_path: Path, manifest: dict[str, str]) -> None:
    assert [p.name for p in (tmp_path / FOLDER).parent.iterdir()] == ["job-1"]
    assert {p.name for p in (tmp_path / FOLDER).iterdir()} == {*FILES, "manifest.json"}


def test_no_file_is_a_pickle(tmp_path: Path, manifest: dict[str, str]) -> None:
    with np.load(tmp_path / FOLDER / "weights.npz", allow_pickle=False) as found:
        assert "head/kernel" in found.files


@pytest.mark.parametrize("name", artefacts.NEEDED)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_makes_the_version_unavailable(
    tmp_path: Path, manifest: dict[str, str], name: str, damage: str
) -> None:
    path = tmp_path / FOLDER / name
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif damage == "cut":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
    with pytest.raises(ModelUnavailable, match=name):
        artefacts.load(tmp_path, FOLDER, manifest)


def test_a_file_the_manifest_does_not_name_is_not_trusted(tmp_path: Path, manifest: dict[str, str]) -> None:
    del manifest["scaler.json"]
    with pytest.raises(ModelUnavailable):
        artefacts.load(tmp_path, FOLDER, manifest)


@pytest.mark.parametrize("folder", ["../x", "a/../../b", "/etc/x", "a", "a/b/c", ".work/x", "a/.b", "a/b\n", ""])
def test_no_folder_leads_out_of_the_models(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ModelUnavailable, match="no folder of a model"):
        artefacts.load(tmp_path, folder, {})
    with pytest.raises(ModelUnavailable):
        artefacts.save(tmp_path, folder, FILES)
    with pytest.raises(ModelUnavailable):
        artefacts.remove(tmp_path, folder)


def test_no_file_name_leads_out_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no file of a model"):
        artefacts.save(tmp_path, FOLDER, {"../weights.npz": b""})
    assert list((tmp_path / FOLDER).parent.iterdir()) == []


def test_attempts_of_a_job_are_found_and_removed(tmp_path: Path) -> None:
    artefacts.save(tmp_path, "family/job-1", FILES)
    half = tmp_path / "family" / ".job-2.77.tmp"
    half.mkdir()
    assert artefacts.leftovers(tmp_path, "family", "job") == ["family/job-1", "family/job-2"]
    for folder in ("family/job-1", "family/job-2"):
        artefacts.remove(tmp_path, folder)
    assert list((tmp_path / "family").iterdir()) == []


KEPT = Kept({"0": np.arange(3.0)}, {"head/bias": np.ones(3)}, {"seed": 1, "losses": [1.2]})


def test_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "deep" / "seed-1.npz", "x")
    keeper.save(KEPT)
    found = keeper.load()
    assert found is not None
    assert found.course == KEPT.course
    np.testing.assert_array_equal(found.state["0"], KEPT.state["0"])
    np.testing.assert_array_equal(found.best["head/bias"], KEPT.best["head/bias"])
    assert [p.name for p in keeper.path.parent.iterdir()] == ["seed-1.npz"]


def test_checkpoint_of_other_data_is_not_taken_up(tmp_path: Path) -> None:
    Keeper(tmp_path / "seed-1.npz", "x").save(KEPT)
    assert Keeper(tmp_path / "seed-1.npz", "y").load() is None


@pytest.mark.parametrize("content", [None, b"", b"no zip file", b"PK\x03\x04 half a zip"])
def test_a_missing_or_broken_checkpoint_is_no_checkpoint(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "seed-1.npz"
    if content is not None:
        path.write_bytes(content)
    assert Keeper(path, "x").load() is None


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    checkpoints.write(path, b"old")

    def full(_handle: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.write(path, b"new")
    assert path.read_bytes() == b"old"
