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
