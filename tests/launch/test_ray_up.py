"""`ray up launch/cluster-onprem.yaml`, really: three machines with sshd, and the commands that its header names.

A host is pulled out and comes back, the driver is killed, and the run ends with the digest of `--workers 0`.
"""

import json
import logging
import time
from pathlib import Path

import pytest
from lab import Lab, copy_checkout, download_wheels, generations, skip_without_lab, wait_for

CLUSTER = "launch/cluster-onprem.yaml"
HEAD, WORKERS = "10.77.0.10", {"h1": "10.77.0.11", "h2": "10.77.0.12"}
MACHINES = {"client": "10.77.0.2", "h0": HEAD, **WORKERS}
RUN = "--env gymnax/Pendulum-v1 --population-size 512 --block-size 64 --hidden 32 --test-every 0 --no-render"
ENDLESS = 10**7  # generations: the driver is killed before

_log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.ray]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    skip_without_lab("curl")
    folder = tmp_path_factory.mktemp("lab")
    download_wheels(folder)
    with Lab(folder, MACHINES, "you") as lab:
        for name in MACHINES:
            lab.boot(name)
        copy_checkout(lab.file("client", "home/you/checkout"))
        lab.run("client", "chown -R you: /home/you", user="root")
        yaml = lab.file("client", f"home/you/checkout/{CLUSTER}")
        yaml.write_text(ours(yaml.read_text()))
        on_client(lab, "python3 -m venv .venv && pip install -q --no-compile -c constraints.txt -e '.[report]'", 600)
        on_client(lab, "ray get-auth-token --generate && chmod 600 ~/.ray/auth_token")
        yield lab


def ours(yaml: str) -> str:
    """The cluster file with the machines of the lab, which have no GPUs; all else is what users get."""
    begin, end = yaml.index("worker_setup_commands:"), yaml.index("\n# The head node lends")
    yaml = yaml[:begin] + yaml[end:]
    return yaml.replace("192.168.0.10", HEAD).replace("192.168.0.11, 192.168.0.12", ", ".join(WORKERS.values()))


def on_client(lab: Lab, command: str, timeout: float = 60, check: bool = True) -> str:
    return lab.run("client", f"cd checkout; export PATH=$PWD/.venv/bin:$PATH; {command}", timeout, check)


def on_head(lab: Lab, command: str, timeout: float = 60) -> str:
    return lab.run(
        "h0", f"export RAY_AUTH_MODE=token PATH=~/eggroll-ray/.venv/bin:$PATH; {command}", timeout, check=False
    )


def rows(lab: Lab) -> list[dict]:
    """One for each generation that is done."""
    return generations(lab.file("h0", "home/you/runs/long/metrics.jsonl"))


def has_workers(lab: Lab, count: int, after: int = 0) -> bool:
    """Whether the last generation was evaluated by so many workers, and is later than that."""
    last = rows(lab)[-1:]
    return bool(last) and last[0]["generation"] > after and last[0]["workers"] == count


def submit(lab: Lab, until: int, log: Path):
    command = f"launch/submit.sh long {RUN} --generations {until}"
    return lab.start("client", f"cd checkout; export PATH=$PWD/.venv/bin:$PATH; {command}", log)


def test_ray_up_survives_a_host_and_its_driver(lab, tmp_path):
    began = time.monotonic()
    figures = {}

    def passed(what: str) -> None:
        figures[what] = round(time.monotonic() - began)

    def said() -> str:
        return log.read_text()[-3000:] + on_head(lab, "ray status; tail -n 30 /tmp/ray/session_latest/logs/monitor.*")

    log = tmp_path / "job"
    on_client(lab, f"ray up -y {CLUSTER}", 600)
    passed("ray up")
    lab.start("client", f"cd checkout; exec .venv/bin/ray dashboard {CLUSTER}", tmp_path / "tunnel")
    wait_for(lambda: "eggroll" in on_client(lab, "curl -s 127.0.0.1:8265 && echo eggroll", check=False), 60)
    job = submit(lab, ENDLESS, log)  # at once: the workers still install
    wait_for(lambda: has_workers(lab, 2 * cores(lab)), 900, said)
    passed("all workers")
    strangers(lab)

    lab.pull_the_plug("h2")
    wait_for(lambda: has_workers(lab, cores(lab)), 300, said)
    passed("one host gone")
    lab.boot("h2")
    wait_for(lambda: has_workers(lab, 2 * cores(lab), rows(lab)[-1]["generation"]), 600, said)
    passed("host back")

    on_head(lab, "kill -9 $(pgrep -f 'bin/eggroll-ray trai[n]')")
    assert job.wait(120) != 0
    last = rows(lab)[-1]["generation"]
    job = submit(lab, last + 50, log)
    assert job.wait(900) == 0, said()
    passed("resumed")
    on_client(lab, f"ray rsync-down {CLUSTER} '~/runs/' runs/ && test -s runs/long/report.html", 120)
    on_head(lab, f"eggroll-ray train {RUN} --generations {last + 50} --workers 0 --run runs/alone", 900)
    results = [lab.file("h0", f"home/you/runs/{name}/result.json").read_text() for name in ("long", "alone")]
    digests = [json.loads(result)["digest"] for result in results]
    assert digests[0] == digests[1]
    passed("same digest")

    on_client(lab, "launch/down-onprem.sh", 300)
    for name in ("h0", *WORKERS):
        assert "ray" not in lab.run(name, "ps -u you -o args=", check=False).replace("ps -u you", "")
    passed("down")
    _log.info("seconds: %s; %d generations, digest %s", figures, last + 50, digests[0])


def cores(lab: Lab) -> int:
    return int(lab.run("h1", "nproc"))


def strangers(lab: Lab) -> None:
    """Without the token nothing runs; the dashboard is not there at all."""
    closed = on_client(lab, f"timeout 5 bash -c '</dev/tcp/{HEAD}/8265'", check=False)
    assert "refused" in closed, closed
    wrong = f"RAY_AUTH_MODE=token RAY_AUTH_TOKEN={'0' * 32} ray status --address {HEAD}:6379"
    assert "active:" not in on_client(lab, wrong, check=False).lower()
    right = f"RAY_AUTH_MODE=token ray status --address {HEAD}:6379"
    assert "active:" in on_client(lab, right, check=False).lower()
