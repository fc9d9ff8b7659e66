"""The page of mutants is that of its data, and every module in it exists."""

import pytest

pytest.importorskip("cosmic_ray", reason="pip install 'eggroll_ray[mutation]'")
from tests import mutation


def test_the_page_is_that_of_its_data():
    assert (mutation.ROOT / "docs" / "mutation.md").read_text() == mutation.page(mutation.recorded())


def test_modules_and_their_tests_exist():
    for module, tests in mutation.TESTS.items():
        assert (mutation.ROOT / "eggroll_ray" / f"{module.replace('.', '/')}.py").is_file()
        assert all((mutation.ROOT / "tests" / test).is_file() for test in tests)


def test_a_mutant_is_one_change_and_leaves_types_alone():
    code = "def f(x: int | None = 1) -> int | None:\n    return x + 2 if x < 3 else 4\n"
    changes = {mutant.after for mutant in mutation.mutants_of(code)}
    assert "return x - 2 if x < 3 else 4" in changes and "return x + 2 if x <= 3 else 4" in changes
    assert not any("int &" in change for change in changes) and len(changes) > 6
