"""What committed pages are made of: tables, numbers with their spread, how they were measured, and the files."""

import json
import statistics
from pathlib import Path

import pytest

from benchmarks.shared import page

PROVENANCE = {"machine": "abacus", "versions": {"jax": "0.1", "ray": "2.0"}, "commit": "abc", "date": "2026-01-02"}


def test_pages_go_to_the_docs_of_this_repository() -> None:
    assert (page.ROOT / "pyproject.toml").exists() and (page.DOCS / "log.md").exists()


def test_a_table_has_a_line_of_titles_and_one_for_each_row() -> None:
    rows = [("one", 1), ("none", "")]
    assert page.table(("name", 2), rows) == ["| name | 2 |", "|---|---|", "| one | 1 |", "| none |  |"]
    assert page.table(("name",), []) == ["| name |", "|---|"]


def test_a_row_with_a_cell_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match=r"row \['one'\] has 1 cells for 2 columns"):
        page.table(("name", "value"), [("one",)])


def test_numbers_are_shown_with_their_spread() -> None:
    assert page.spread(2.0, 1.0, 3.0, "{:.1f}".format) == "2.0 [1.0, 3.0]"
    times = {"first": 9.0, "median": 0.2, "low": 0.1234, "high": 0.25}
    assert page.quartiles(times, "{:.2g}".format) == "0.2 [0.12, 0.25]"
    assert page.extremes([9.0, 2.0, 4.0], "{:.0f}".format) == "4 (2 to 9)"
    assert page.extremes([9.0, 2.0, 4.0], "{:.0f}".format, statistics.fmean) == "5 (2 to 9)"


def test_a_record_says_how_it_was_measured() -> None:
    assert page.source_of_record({"command": "count", **PROVENANCE}) == "`count`, 2026-01-02, abacus, jax 0.1, ray 2.0."


def test_rows_say_the_last_date_and_every_machine_version_and_commit() -> None:
    other = {"machine": "ruler", "versions": {"jax": "0.2"}, "commit": None, "date": "2026-01-01"}
    rows = [PROVENANCE, other, PROVENANCE]
    versions = "jax 0.1, jax 0.2, ray 2.0"
    assert page.source_of_rows(rows) == (
        f"Measured up to 2026-01-02 on abacus; ruler; {versions}; commit abc, no commit."
    )
    without = {"machine": "abacus", "versions": {}, "date": "2026-01-02"}
    assert page.source_of_rows([without]) == "Measured up to 2026-01-02 on abacus."


def test_records_and_pages_are_written_into_a_folder_that_need_not_be_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "count.json"
    page.write_record(path, {"rows": [1, 2]})
    assert json.loads(path.read_text()) == {"rows": [1, 2]} and path.read_text().endswith(" ]\n}\n")
    page.write_page(tmp_path / "other" / "count.md", "# Count\n")
    assert (tmp_path / "other" / "count.md").read_text() == "# Count\n"
