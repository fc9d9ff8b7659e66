"""What is safe to show: text without control characters, finite numbers, and sizes for people."""

import math
import re
from collections.abc import Mapping
from typing import Any

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")


def printable(text: str) -> str:
    """Removes escape sequences from a text and replaces what cannot be printed by spaces; lines stay."""
    plain = _ESCAPE.sub("", text).replace("\r\n", "\n")
    return "".join(letter if letter == "\n" or letter.isprintable() else " " for letter in plain)


def plural(count: Any, noun: str) -> str:
    """Writes a count with its noun: `1 worker`, `3 workers`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_bytes(count: float) -> str:
    """Writes an amount of data for people, in decimal units: `512 B`, `1.2 kB`, `34 MB`."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= 0.9995 * size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{count:.0f} B"


def number(row: Mapping[str, Any], key: str) -> float | None:
    """Returns a finite number of a row, None where there is none."""
    value = row.get(key)
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def format_number(value: float | None) -> str:
    """Writes a number for people in at most about seven characters: `500.0`, `1.23M`, `-`."""
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit and size >= 1e4:
            digits = 4 if letter == "k" else 3
            return f"{value / unit:.{digits}g}{letter}" if size < 1e15 else f"{value:.2e}"
    if isinstance(value, int):
        return str(value)
    if size >= 1:
        return f"{value:.1f}" if size >= 100 else f"{value:.2f}"
    return f"{value:.3g}"


def format_seconds(seconds: float) -> str:
    """Writes a duration for people: `0.042 s`, `41 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 1:
        return f"{seconds:.2g} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
