"""A run on a cluster that scales by itself: it asks for nodes, follows the cluster up, and changes no bit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from machines import environment, needs_machines, run_isolated

pytestmark = [pytest.mark.ray, pytest.mark.slow, needs_machines]

NODES = 3


def cluster(nodes: int) -> dict:
    """A cluster of up to so many nodes with a CPU each, by Ray's provider of nodes that are processes of this machine.

    Its head has no CPU: without further nodes nothing can run. (`ray.cluster_utils.AutoscalingCluster` needs a file
    that the wheel of Ray 2.60 lacks, and stops every other Ray.)
    """
    provider = {
        "type": "fake_multinode",
        "use_node_id_as_ip": True,  # all nodes have the same address
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
    }
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    worker = {"resources": {"CPU": 1, "object_store_memory": 100 * 1024**2}, "node_config": {}, "max_workers": nodes}
    return {
        "cluster_name": "fake",
        "provider": provider,
        "max_workers": nodes,
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": 0.05,
        "head_node_type": "ray.head.default",
        "available_node_types": {"ray.head.default": head, "worker": worker},
        "file_mounts_sync_continuously": False,
        **{name: {} for name in ("auth", "docker", "file_mounts")},
        **{name: [] for name in ("cluster_synced_files", "rsync_exclude", "rsync_filter")},
        **{f"{name}_commands": [] for name in ("initialization", "setup", "head_setup", "worker_setup")},
        **{f"{name}_start_ray_commands": [] for name in ("head", "worker")},
    }


RUN = """
import json, os, sys, time
import numpy as np
import ray
import eggroll_ray as er

def train(workers, stop):
    trainer = er.Trainer(
        er.from_fitness(lambda p, k: -((p["b"] - 1.0) ** 2).sum(), {"b": np.ones(6, np.float32)}),
        population_size=64, block_size=4, workers=workers, seed=3)
    seen, started = [], time.monotonic()
    with trainer:
        for row in trainer:
            seen.append(row["workers"])
            if stop(seen):
                return {"workers": seen, "digest": trainer.result().digest, "seconds": time.monotonic() - started}

def fully_grown(seen):
    if len(seen) == 1:
        os.replace("large.json", "cluster.json")  # the autoscaler reads it anew
    time.sleep(0.2)  # nodes take seconds, generations do not
    return seen.count(3) >= 5 or len(seen) > 300

if sys.argv[1] == "alone":
    found = train(0, lambda seen: len(seen) == int(sys.argv[2]))
else:
    address = "127.0.0.1:6379"
    found = train(er.Workers("auto", cpus=1, address=address, max_workers=3, wait_seconds=60), fully_grown)
    ray.init(address, configure_logging=False, log_to_driver=False)
    deadline = time.monotonic() + 30
    while (left := sum(node["Alive"] for node in ray.nodes())) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    found["left"] = left
with open("result.json", "w") as file:
    json.dump(found, file)
"""
START = """
cd "$HOME"
ray start --head --num-cpus=0 --include-dashboard=false --autoscaling-config="$HOME/cluster.json"
exec "$@"
"""


def test_a_run_follows_a_growing_cluster_with_the_same_bits(tmp_path: Path):
    for name, nodes in (("cluster", 1), ("large", NODES)):
        (tmp_path / f"{name}.json").write_text(json.dumps(cluster(nodes)))
    env = environment(tmp_path) | {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    done = run_isolated(["bash", "-ec", START, "bash", sys.executable, "-c", RUN, "scaled"], env, 150)
    scaled = json.loads((tmp_path / "result.json").read_text())
    workers = scaled["workers"]
    assert workers == sorted(workers) and workers[0] == 1 and workers[-1] == NODES, done.stdout
    assert scaled["left"] == 1, "idle nodes stay: " + done.stdout
    subprocess.run([sys.executable, "-c", RUN, "alone", str(len(workers))], env=env, cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "result.json").read_text())["digest"] == scaled["digest"]
