import json
import math
import os
import resource

import numpy as np
import pytest

from eggroll_ray.runs.metrics import MetricsWriter, read_metrics, replace_file


class Recorder:
    def __init__(self, fails: bool = False) -> None:
        self.rows, self.closed, self.fails = [], 0, fails

    def __call__(self, row):
        self.rows.append(row)

    def close(self):
        self.closed += 1
        if self.fails:
            raise RuntimeError("cannot close")


def write(path, generations, **options):
    with MetricsWriter(path, **options) as writer:
        for generation in generations:
            writer.write({"generation": generation, "fitness_mean": generation / 2})


def generations(path):
    return [row["generation"] for row in read_metrics(path)]


def test_rows_come_back_and_are_on_disk_at_once(tmp_path):
    path = tmp_path / "run" / "metrics.jsonl"
    with MetricsWriter(path) as writer:
        writer.write({"generation": 0, "digest": "é\n", "event": None, "list": [1, {"a": True}]})
        assert path.read_bytes().count(b"\n") == 1
        writer.write({"generation": 1})
    assert read_metrics(path)[0] == {
        "generation": 0,
        "digest": "é\n",
        "event": None,
        "list": [1, {"a": True}],
    }
    assert generations(path) == [0, 1]


def test_values_that_json_has_not_become_null_and_numpy_becomes_plain(tmp_path):
    path = tmp_path / "metrics.jsonl"
    sink = Recorder()
    with MetricsWriter(path, [sink]) as writer:
        writer.write(
            {
                "a": math.nan,
                "b": np.float32("-inf"),
                "c": np.float32(0.5),
                "d": np.int64(7),
                "e": np.bool_(True),
                "f": np.array([1.0, np.nan]),
                "g": {"h": (math.inf, 2)},
            }
        )
    row = {"a": None, "b": None, "c": 0.5, "d": 7, "e": True, "f": [1.0, None], "g": {"h": [None, 2]}}
    strict = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert strict == row == sink.rows[0]


def test_a_value_of_another_type_is_named_and_nothing_is_written(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(path) as writer, pytest.raises(TypeError, match=r"'a\.b' is a object"):
        writer.write({"generation": 0, "a": {"b": object()}})
    assert path.read_bytes() == b""


def test_appending_keeps_earlier_rows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, range(3))
    write(path, range(3, 5))
    assert generations(path) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("torn", [b'{"generation": 3, "fit', b'{"a": "\xc3', b"12", b"\x00\x00"])
def test_a_torn_last_line_is_not_read_and_not_appended_to(tmp_path, torn):
    path = tmp_path / "metrics.jsonl"
    write(path, range(3))
    path.write_bytes(path.read_bytes() + torn)
    assert generations(path) == [0, 1, 2]
    write(path, [3])
    assert generations(path) == [0, 1, 2, 3]
    assert path.read_bytes().count(b"\n") == 4


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, range(3))
    path.write_bytes(path.read_bytes().rstrip())
    write(path, [3])
    assert generations(path) == [0, 1, 2, 3]


@pytest.mark.parametrize(("resumed", "kept"), [(0, []), (2, [0, 1]), (9, [0, 1, 2, 3])])
def test_resuming_drops_what_will_be_written_again(tmp_path, resumed, kept):
    path = tmp_path / "metrics.jsonl"
    write(path, range(4))
    before = path.read_bytes().splitlines()
    with MetricsWriter(path, resume_from=resumed) as writer:
        writer.write({"generation": resumed, "event": "resumed"})
    assert generations(path) == [*kept, resumed]
    assert path.read_bytes().splitlines()[: len(kept)] == before[: len(kept)]
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_a_crash_while_resuming_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "metrics.jsonl"
    write(path, range(4))
    before = path.read_bytes()

    def crash(*_):
        raise OSError("power cut")

    monkeypatch.setattr("os.replace", crash)
    with pytest.raises(OSError, match="power cut"):
        MetricsWriter(path, resume_from=2)
    assert path.read_bytes() == before


def test_damage_before_the_last_line_is_reported_with_its_place(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"generation": 0}\n{"gener\n{"generation": 2}\n')
    with pytest.raises(ValueError, match="line 2: expected a JSON object"):
        read_metrics(path)


def test_an_empty_file_has_no_rows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.touch()
    assert read_metrics(path) == []


def test_every_sink_is_closed_also_when_one_fails(tmp_path):
    sinks = [Recorder(), Recorder(fails=True), Recorder()]
    writer = MetricsWriter(tmp_path / "metrics.jsonl", sinks)
    writer.write({"generation": 0})
    with pytest.raises(RuntimeError, match="cannot close"):
        writer.close()
    assert [sink.closed for sink in sinks] == [1, 1, 1]
    assert all(sink.rows == [{"generation": 0}] for sink in sinks)


def test_rows_that_cannot_be_written_are_kept_and_come_in_order(tmp_path):
    folder, away = tmp_path / "run", tmp_path / "away"
    sink = Recorder()
    writer = MetricsWriter(folder / "metrics.jsonl", [sink])
    for generation in range(6):
        if generation == 2:
            folder.rename(away)
        if generation == 4:
            assert generations(away / "metrics.jsonl") == [0, 1]
            away.rename(folder)
        writer.write({"generation": generation})
        assert len(sink.rows) == generation + 1  # sinks do not wait
    assert generations(folder / "metrics.jsonl") == list(range(6))
    folder.rename(away)
    writer.write({"generation": 6})
    away.rename(folder)
    writer.close()
    assert generations(folder / "metrics.jsonl") == list(range(7))


def test_what_is_left_of_a_row_that_failed_is_cut_off(tmp_path):
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path)
    writer.write({"generation": 0, "note": "a row that is longer than the next"})
    path.write_bytes(path.read_bytes() + b'{"generation": 1, "fitness_me' + b" " * 99)
    writer.write({"generation": 1})
    writer.close()
    assert path.read_bytes().count(b"\n") == 2 and generations(path) == [0, 1]


def test_a_row_that_failed_is_not_written_by_closing_the_file_when_room_comes_back(tmp_path, monkeypatch):
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path)
    writer.write({"generation": 0})
    before, cut = path.read_bytes(), os.ftruncate

    def cut_and_make_room(*arguments):
        cut(*arguments)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    monkeypatch.setattr(os, "ftruncate", cut_and_make_room)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, resource.RLIM_INFINITY))
        writer.write({"generation": 1})  # ten bytes of it fit
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert path.read_bytes() == before
    writer.close()
    assert generations(path) == [0, 1]


def test_a_file_that_was_cut_meanwhile_is_not_written_on(tmp_path):
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path)
    for generation in range(3):
        writer.write({"generation": generation})
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    writer.write({"generation": 3})
    assert path.read_bytes() == whole[:-5]
    path.write_bytes(whole)
    writer.close()
    assert generations(path) == [0, 1, 2, 3]


def test_replace_file_leaves_nothing_else(tmp_path):
    replace_file(tmp_path / "a", b"1")
    replace_file(tmp_path / "a", b"2")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"2")]
