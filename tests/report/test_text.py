import math

import pytest

from eggroll_ray.report.text import format_bytes, format_number, format_seconds, number, plural, printable


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (math.nan, "-"),
        (0.0, "0"),
        (500.0, "500.0"),
        (-12.345, "-12.35"),
        (0.01234, "0.0123"),
        (1e-6, "1e-06"),
        (4096, "4096"),
        (12_345, "12.35k"),
        (999_999, "1000k"),
        (-1_234_567.0, "-1.23M"),
        (2.5e9, "2.5G"),
        (1e20, "1.00e+20"),
    ],
)
def test_format_number(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0421, "0.042 s"),
        (9.9, "9.9 s"),
        (9.99, "10 s"),
        (59.7, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_format_seconds(seconds, text):
    assert format_seconds(seconds) == text
