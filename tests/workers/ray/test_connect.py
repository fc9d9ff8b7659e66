"""The code that travels to the workers of a cluster: this package, its environments, and modules beside the script."""

import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from ray._private.runtime_env.packaging import _zip_files
from ray._private.runtime_env.py_modules import upload_py_modules_if_needed

import eggroll_ray
import envs
from eggroll_ray.workers.ray.connect import _shipped_code

OURS = [str(Path(module.__file__).resolve().parent) for module in (eggroll_ray, envs)]


def run_from(folder, monkeypatch, package=""):
    main = ModuleType("__main__")
    main.__package__ = package
    if folder is not None:
        main.__file__ = str(folder / "script.py")
    monkeypatch.setitem(sys.modules, "__main__", main)


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A script in a folder of its own, and a function that imports a module from there as a script would."""
    run_from(tmp_path, monkeypatch)
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)

    def add(name, file):
        module = ModuleType(name)
        if Path(file).suffix:
            module.__file__ = str(tmp_path / file)
        else:
            module.__path__ = [str(tmp_path / file)]
        monkeypatch.setitem(sys.modules, name, module)
        return str(tmp_path / file)

    return add


def test_our_packages_and_the_modules_beside_the_script_travel(script):
    helper = script("my_helper", "my_helper.py")
    package = Path(script("my_package", "my_package/__init__.py")).parent
    without_init = script("without_init", "without_init")
    script("elsewhere", "library/elsewhere.py")
    script("compiled", "compiled.so")
    assert _shipped_code()["py_modules"] == [*OURS, helper, str(package), without_init]


def test_hidden_files_of_a_package_do_not_travel(script, tmp_path):
    package = Path(script("my_package", "my_package/__init__.py")).parent
    for file in ("__init__.py", "part/table.npz", ".env", "part/.netrc", ".git/config"):
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text("x")
    travelled = {}

    def upload(path, excludes):
        _zip_files(path, excludes, str(tmp_path / "packed.zip"), include_gitignore=True)
        travelled[path] = sorted(zipfile.ZipFile(tmp_path / "packed.zip").namelist())

    upload_py_modules_if_needed(_shipped_code(), True, str(tmp_path), upload_fn=upload)
    assert travelled[str(package)] == ["__init__.py", "part/table.npz"]


def test_a_users_own_package_called_envs_travels_in_place_of_ours(script):
    theirs = Path(script("envs", "envs/__init__.py")).parent
    assert _shipped_code()["py_modules"] == [OURS[0], str(theirs)]


def test_envs_is_on_the_workers_what_it_is_here_wherever_that_lies(script, monkeypatch):
    theirs = Path(script("envs", "library/envs/__init__.py")).parent
    assert _shipped_code()["py_modules"] == [OURS[0], str(theirs)]
    monkeypatch.delitem(sys.modules, "envs")  # what an import would find
    assert _shipped_code()["py_modules"] == OURS
    theirs.mkdir(parents=True)
    (theirs / "__init__.py").touch()
    monkeypatch.syspath_prepend(theirs.parent)
    assert _shipped_code()["py_modules"] == [OURS[0], str(theirs)]


@pytest.mark.parametrize("package", ["tool", "tool.commands"])
def test_of_a_program_that_is_run_by_name_its_package_and_what_lies_beside_that_travel(script, monkeypatch, package):
    tmp_path = Path(script("helper", "helper.py")).parent
    tool = Path(script("tool", "tool/__init__.py")).parent
    run_from(tmp_path / package.replace(".", "/"), monkeypatch, package)
    assert _shipped_code()["py_modules"] == [*OURS, str(tmp_path / "helper.py"), str(tool)]


def test_the_modules_of_a_notebook_are_those_of_its_folder(script, monkeypatch):
    helper = Path(script("helper", "helper.py"))
    run_from(None, monkeypatch)
    monkeypatch.chdir(helper.parent)
    assert _shipped_code()["py_modules"] == [*OURS, str(helper)]


def test_of_a_program_that_is_a_library_nothing_travels(monkeypatch):
    run_from(Path(pytest.__file__).parent, monkeypatch, "pytest")
    assert _shipped_code()["py_modules"] == OURS


def test_our_packages_travel_once_when_the_script_lies_beside_them(monkeypatch):
    run_from(Path(OURS[0]).parent, monkeypatch)
    assert [path for path in _shipped_code()["py_modules"] if path in OURS] == OURS
