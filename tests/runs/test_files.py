"""Writing files: on the disk with their names, never through a link, and JSON that may be anybody's."""

import json
import math
import os

import pytest

from eggroll_ray.runs.checkpoint import CheckpointError, create_run, refuse_links
from eggroll_ray.runs.files import append_to_file, parse_json, replace_file
from eggroll_ray.runs.lock import RunLock


@pytest.fixture
def synced(monkeypatch):
    """The paths that were written through to the disk, in order."""
    paths, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda at: (paths.append(os.readlink(f"/proc/self/fd/{at}")), fsync(at)))
    return paths


def test_the_name_of_a_new_file_is_on_the_disk_as_its_content_is(tmp_path, synced):
    path, folder = tmp_path / "log", str(tmp_path)
    assert append_to_file(path, 0, b"ab", sync=True) == 2 and synced == [str(path), folder]
    assert append_to_file(path, 2, b"c", sync=True) == 3 and synced == [str(path), folder, str(path)]
    assert append_to_file(path, 3, b"d", sync=False) == 4 and len(synced) == 3
    assert path.read_bytes() == b"abcd"
    synced.clear()
    replace_file(path, b"new")
    assert synced[1:] == [folder] and path.read_bytes() == b"new"
    synced.clear()
    create_run(tmp_path / "run")
    assert folder in synced


def test_a_link_in_the_place_of_a_file_is_never_written_through(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    for name in (".partial-report.html", "report.html", "log", "lock"):
        (tmp_path / name).symlink_to(secret)
    replace_file(tmp_path / "report.html", b"theirs")
    assert (tmp_path / "report.html").read_bytes() == b"theirs" and not (tmp_path / "report.html").is_symlink()
    with pytest.raises(OSError, match="symbolic links"):
        append_to_file(tmp_path / "log", 0, b"theirs", sync=True)
    with pytest.raises(OSError, match="symbolic links"):
        append_to_file(tmp_path / "log", 4, b"theirs", sync=True)
    with pytest.raises(CheckpointError, match="cannot be written"):
        RunLock(tmp_path)
    assert secret.read_text() == "mine"


def test_a_link_within_the_folder_is_no_matter_and_one_out_of_it_is_refused(tmp_path):
    run = tmp_path / "run"
    (run / "wandb/now").mkdir(parents=True)
    (run / "wandb/latest").symlink_to("now")
    refuse_links(run)
    (tmp_path / "same").symlink_to(run)
    refuse_links(tmp_path / "same")  # the folder itself may be reached by one
    (run / "wandb/up").symlink_to("../../run2")
    with pytest.raises(CheckpointError, match=r"wandb/up is a link that leads out of .*run, to .*run2"):
        refuse_links(run)


def test_json_of_anybody(tmp_path):
    assert parse_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]} and parse_json("7") == 7
    assert math.isnan(parse_json("NaN")) and parse_json("[NaN, -Infinity]", lambda _: None) == [None, None]
    nested = [json.loads("[" * depth + "]" * depth) for depth in (29, 31)]
    assert parse_json(json.dumps(nested[0])) == nested[0]
    for text in (json.dumps(nested[1]), '{"a":' * 31 + "1" + "}" * 31, "[" * 10**6):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(text)
    for text in ("", "{", b"\xff\xfe"):
        with pytest.raises(ValueError, match=r"Expecting|decode"):
            parse_json(text)
