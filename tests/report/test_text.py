import pytest

from eggroll_ray.report.text import format_bytes, number, plural, printable


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (1234, "1.2 kB"),
        (9960, "10 kB"),
        (123_456, "123 kB"),
        (999_600, "1.0 MB"),
        (3.4e9, "3.4 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes_for_people(count, text):
    assert format_bytes(count) == text


def test_only_finite_numbers_are_numbers():
    row = {"a": 1, "b": float("nan"), "c": float("inf"), "d": None, "e": "3", "f": 0.5}
    assert {key: number(row, key) for key in "abcdefg"} == dict.fromkeys("bcdeg") | {"a": 1, "f": 0.5}


def test_text_without_control_characters():
    assert printable("a\x1b[31mb\x1b]0;title\x07c\x00\x9b\u202e\ud800\r\nd") == "abc    \nd"
    assert (plural(1, "worker"), plural(0, "worker"), plural("-", "worker")) == ("1 worker", "0 workers", "- workers")
