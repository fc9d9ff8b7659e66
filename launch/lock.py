"""Writes launch/locked/*.txt: the packages that the launchers install, pinned by version and hash.

    python launch/lock.py

The versions are those that pip chooses with constraints.txt, for Linux on x86-64 and the versions of Python below. pip
checks hashes only if everything that it installs has one, and a package in this folder has none. So the launchers
first install these files, and then run `pip install --no-deps .`. Run this script after a change of constraints.txt or
of the dependencies in pyproject.toml.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
# The tag of a wheel names the oldest C library on which it runs.
PLATFORMS = ("manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)))
EXTRAS = ("gymnax", "brax", "report")
BUILD = ("hatchling",)  # the tool with which pip builds the package itself
ADDED = {"aws": ["boto3"], "cuda12": ["jax[cuda12]"]}


def requirements() -> list[str]:
    """Returns the requirements of the package, of its extras, and for building it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [each for extra in EXTRAS for each in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *extras, *BUILD]


def resolve(wanted: list[str], python: str) -> dict[str, str]:
    """Returns name==version -> hash for each file that pip would install. Nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--target", folder]
        pip += ["--only-binary=:all:", "--python-version", python, "--report", str(report)]
        pip += [word for platform in PLATFORMS for word in ("--platform", platform)]
        subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), *wanted], check=True)
        found = json.loads(report.read_text())["install"]
    return {
        f"{each['metadata']['name']}=={each['metadata']['version']}": each["download_info"]["archive_info"]["hashes"][
            "sha256"
        ]
        for each in found
    }


def write(name: str, hashes: dict[str, set[str]]) -> None:
    lines = [f"# Made of constraints.txt by launch/lock.py, for Linux on x86-64 and Python {', '.join(PYTHONS)}."]
    for pin in sorted(hashes, key=str.lower):
        lines.append(" \\\n".join([pin, *(f"    --hash=sha256:{each}" for each in sorted(hashes[pin]))]))
    (ROOT / "launch" / "locked" / f"{name}.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    base, added = {}, {name: {} for name in ADDED}
    for python in PYTHONS:
        for pin, sha in resolve(requirements(), python).items():
            base.setdefault(pin, set()).add(sha)
        for name, more in ADDED.items():
            for pin, sha in resolve([*requirements(), *more], python).items():
                added[name].setdefault(pin, set()).add(sha)
    write("base", base)
    for name, hashes in added.items():
        write(name, {pin: those for pin, those in hashes.items() if pin not in base})


if __name__ == "__main__":
    main()
