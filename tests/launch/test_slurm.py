"""`sbatch launch/slurm.sh`, really: Debian's slurmctld and two slurmd, on machines of their own with one file server.

A node is pulled out while it works and comes back, the driver is killed, and the run ends with the digest of
`--workers 0`. SLURM tracks processes without cgroups here: what a killed job has started as a daemon, it leaves.
"""

import json
import logging
import os
import re
import time
from pathlib import Path

import pytest
from lab import Lab, copy_checkout, download_wheels, generations, skip_without_lab, wait_for

MACHINES = {"ctl": "10.77.0.2", "n1": "10.77.0.11", "n2": "10.77.0.12"}
RUN = "--env gymnax/Pendulum-v1 --population-size 512 --block-size 64 --hidden 32 --test-every 0 --no-render"
ENDLESS = 10**7  # generations: the driver is killed before
CONF = f"""
ClusterName=lab
SlurmctldHost=ctl
SlurmUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/linear
SlurmdTimeout=20
KillWait=5
ReturnToService=2
NodeName=n[1-2] CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes=n[1-2] Default=YES
"""
BOOT = """#!/bin/bash
set -e
chown -R munge: /etc/munge
install -d -o munge -g munge /run/munge /var/log/munge /var/lib/munge
mkdir -p /var/spool/slurmctld /var/spool/slurmd
su munge -s /bin/bash -c /usr/sbin/munged
if [ "$(hostname)" = ctl ]; then slurmctld; else slurmd; fi
"""

_log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.ray]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    skip_without_lab("slurmctld", "slurmd", "sbatch", "munged")
    folder = tmp_path_factory.mktemp("lab")
    download_wheels(folder)
    with Lab(folder, MACHINES, "you", homes=folder / "homes") as lab:
        key = os.urandom(128)
        for name in MACHINES:
            lab.file(name, "etc/slurm/slurm.conf").write_text(CONF)
            lab.file(name, "etc/munge/munge.key").write_bytes(key)
            boot = lab.file(name, "etc/boot")
            boot.write_text(BOOT)
            boot.chmod(0o755)
            lab.boot(name)
        copy_checkout(folder / "homes/you/checkout")
        lab.run("ctl", "chown -R you: /home/you", user="root")
        lab.run(
            "ctl",
            "cd checkout; python3 -m venv .venv;"
            ".venv/bin/pip install -q --no-compile -c constraints.txt '.[gymnax,report]'",
            600,
        )
        yield lab


def checkout(lab: Lab) -> Path:
    return lab.file("homes", "you/checkout")


def submit(lab: Lab, until: int, nodes: int = 2, run: str = "long") -> str:
    """Submits the job and returns its number."""
    command = f"cd checkout; sbatch --nodes {nodes} launch/slurm.sh runs/{run} {RUN} --generations {until}"
    said = lab.run("ctl", command)
    return re.fullmatch(r"Submitted batch job (\d+)\n", said)[1]  # pyright: ignore[reportOptionalSubscript]


def state(lab: Lab, job: str) -> str:
    return re.search(r"JobState=(\w+)", lab.run("ctl", f"scontrol show job {job}"))[1]  # pyright: ignore[reportOptionalSubscript]


def rows(lab: Lab) -> list[dict]:
    """One for each generation that is done."""
    return generations(checkout(lab) / "runs/long/metrics.jsonl")


def works(lab: Lab, after: int = 0) -> bool:
    """Whether a generation later than that was evaluated by both machines."""
    last = rows(lab)[-1:]
    return bool(last) and last[0]["generation"] > after and last[0]["workers"] == 2 * (os.cpu_count() or 1)


def test_a_job_survives_a_node_and_its_driver(lab, tmp_path):
    began = time.monotonic()
    figures = {}

    def passed(what: str) -> None:
        figures[what] = round(time.monotonic() - began)

    def said() -> str:
        logs = "".join(f"{log}:\n{log.read_text()[-3000:]}" for log in sorted(checkout(lab).glob("slurm-*.out")))
        return logs + lab.run("ctl", "sinfo; squeue")

    job = submit(lab, ENDLESS)
    wait_for(lambda: works(lab), 600, said)
    passed("both nodes work")

    lab.pull_the_plug("n2")
    wait_for(lambda: state(lab, job) == "PENDING", 300, said)
    passed("requeued")
    assert "raylet" in lab.run("n1", "ps -u you -o comm=", check=False)  # what the dead job has left
    last = rows(lab)[-1]["generation"]
    lab.boot("n2")
    wait_for(lambda: works(lab, last), 900, said)
    passed("goes on")

    lab.run("n1", "kill -9 $(pgrep -f 'bin/eggroll-ray trai[n]')")
    wait_for(lambda: state(lab, job) == "FAILED", 300, said)
    passed("driver killed")
    until = rows(lab)[-1]["generation"] + 50
    job = submit(lab, until)
    wait_for(lambda: state(lab, job) == "COMPLETED", 900, said)
    passed("resumed")

    alone = f"cd checkout; .venv/bin/eggroll-ray train {RUN} --generations {until} --workers 0 --run runs/alone"
    lab.run("ctl", alone, 900)
    results = [json.loads((checkout(lab) / f"runs/{name}/result.json").read_text()) for name in ("long", "alone")]
    assert results[0]["digest"] == results[1]["digest"], said()
    for name in ("n1", "n2"):
        assert "ray" not in lab.run(name, "ps -u you -o comm=", check=False)
    passed("same digest")
    _log.info("seconds: %s; %d generations, digest %s", figures, until, results[0]["digest"])


def test_a_job_on_one_node(lab):
    job = submit(lab, 3, nodes=1, run="short")
    wait_for(lambda: state(lab, job) in {"COMPLETED", "FAILED"}, 600)
    assert state(lab, job) == "COMPLETED", (checkout(lab) / f"slurm-{job}.out").read_text()
    assert len(generations(checkout(lab) / "runs/short/metrics.jsonl")) == 3
