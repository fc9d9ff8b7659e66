"""The launch files: valid, open to nobody, in step with the command line, and doing what they say.

`test_ray_up.py` and `test_slurm.py` run them on clusters.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from unittest import mock

import pytest
import tyro
import yaml
from machines import ROOT, environment, needs_machines, run_isolated
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ray.autoscaler._private.util import prepare_config, validate_config

from eggroll_ray.cli import train
from launch import lock

CLUSTERS = ("cluster.yaml", "launch/cluster-onprem.yaml")
SCRIPTS = ("launch/train_or_resume.sh", "launch/down-onprem.sh", "launch/submit.sh", "launch/slurm.sh")
OTHERS = ("launch/kuberay.yaml", "launch/Dockerfile")
RUN = "--env gymnax/CartPole-v1 --population-size 32 --block-size 8 --hidden 8 --test-every 0 --no-render".split()
CORES = str(os.cpu_count())  # one worker per machine


def read(name: str) -> str:
    return (ROOT / name).read_text()


def commands_of(config: dict) -> list[str]:
    return [command for name, commands in config.items() if name.endswith("commands") for command in commands]


# --- Are they valid?


@pytest.mark.parametrize("name", CLUSTERS)
def test_ray_up_accepts_the_cluster(name, capsys):
    config = prepare_config(yaml.safe_load(read(name)))
    capsys.readouterr()  # Ray advises against single files as file_mounts
    validate_config(config)


def test_workers_on_aws_are_gpu_spot_instances_that_come_when_needed():
    config = yaml.safe_load(read("cluster.yaml"))
    types = config["available_node_types"]
    assert types.keys() == {"head", "gpu"} and config["head_node_type"] == "head"
    assert types["gpu"]["min_workers"] == 0 < types["gpu"]["max_workers"] == config["max_workers"]
    assert types["gpu"]["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert "InstanceMarketOptions" not in types["head"]["node_config"]
    assert any("cuda12" in command for command in config["worker_setup_commands"])
    assert not any("cuda" in command for command in config["setup_commands"] + config["head_setup_commands"])


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_is_copied_suffices_to_install(name):
    mounts = yaml.safe_load(read(name))["file_mounts"]
    copied = {local for local in mounts.values() if not local.startswith("~")}
    assert all((ROOT / local).exists() for local in copied)
    assert copied >= what_a_build_needs()
    assert all(remote in (local, f"~/eggroll-ray/{local}") for remote, local in mounts.items())


def what_a_build_needs() -> set[str]:
    project = tomllib.loads(read("pyproject.toml"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    metadata = project["project"]
    licences = {file for file in metadata["license-files"] if file.partition("/")[0] not in packages}
    return {"pyproject.toml", metadata["readme"], *licences, *packages}


def test_the_image_holds_what_a_build_needs():
    copied = {
        word for line in read("launch/Dockerfile").splitlines() if line.startswith("COPY") for word in line.split()
    }
    needed = {*what_a_build_needs(), "launch/train_or_resume.sh", "launch/locked"}
    assert copied >= needed
    ignored, *kept = [line for line in read("launch/Dockerfile.dockerignore").splitlines() if not line.startswith("#")]
    assert ignored == "*" and {line[1:] for line in kept if line.startswith("!")} == {*needed, "launch"}
    assert kept[-2:] == ["**/.*", "**/__pycache__"]


# Fields of the RayJob resource, version v1 of the group ray.io, as far as they are of use here.
JOB = {"entrypoint", "submissionMode", "runtimeEnvYAML", "backoffLimit", "activeDeadlineSeconds", "suspend", "metadata"}
JOB |= {"shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec", "clusterSelector", "entrypointNumCpus"}
CLUSTER = {
    "rayVersion",
    "enableInTreeAutoscaling",
    "autoscalerOptions",
    "headGroupSpec",
    "workerGroupSpecs",
    "authOptions",
}
AUTOSCALER = {"idleTimeoutSeconds", "upscalingMode", "resources", "image", "imagePullPolicy", "env", "envFrom"}
HEAD = {"serviceType", "headService", "enableIngress", "rayStartParams", "template"}
WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "numOfHosts", "rayStartParams", "template"}
POD = {"containers", "volumes", "securityContext", "tolerations", "nodeSelector", "serviceAccountName"}
CONTAINER = {"name", "image", "imagePullPolicy", "resources", "env", "volumeMounts", "ports"}


def kuberay() -> tuple[dict, dict]:
    """The volume claim and the job."""
    claim, _, job = yaml.safe_load_all(read("launch/kuberay.yaml"))
    return claim, job


def test_the_ray_job_has_the_fields_of_its_resource():
    claim, job = kuberay()
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    assert spec.keys() <= JOB and {"entrypoint", "rayClusterSpec"} <= spec.keys()
    assert spec["submissionMode"] in {"K8sJobMode", "HTTPMode", "InteractiveMode"}
    cluster = spec["rayClusterSpec"]
    assert cluster.keys() <= CLUSTER and "headGroupSpec" in cluster
    assert cluster["autoscalerOptions"].keys() <= AUTOSCALER and cluster["enableInTreeAutoscaling"] is True
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert groups[0].keys() <= HEAD and all(group.keys() <= WORKERS for group in groups[1:])
    for group in groups[1:]:
        assert isinstance(group["groupName"], str)
        assert 0 == group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for group in groups:
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        check_pod(group["template"], claim["metadata"]["name"])


def check_pod(template: dict, claim: str) -> None:
    assert template.keys() <= {"metadata", "spec"}
    pod = template["spec"]
    assert pod.keys() <= POD
    volumes = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod.get("volumes", [])}
    assert set(volumes.values()) <= {claim}
    for container in pod["containers"]:
        assert container.keys() <= CONTAINER and {"name", "image"} <= container.keys()
        assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes.keys()
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert requests == limits and requests.keys() <= {"cpu", "memory", "nvidia.com/gpu"}


def test_the_ray_job_keeps_its_runs_on_the_volume_and_continues():
    claim, job = kuberay()
    assert (claim["apiVersion"], claim["kind"]) == ("v1", "PersistentVolumeClaim")
    command = shlex.split(job["spec"]["entrypoint"])
    assert command[1].endswith("launch/train_or_resume.sh") and job["spec"]["backoffLimit"] > 0
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    assert command[2].startswith(head["volumeMounts"][0]["mountPath"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_parse(name):
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / name], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", ROOT / name], check=True)


# --- Are they closed?


@pytest.mark.parametrize("name", CLUSTERS)
def test_ray_listens_to_its_own_cluster_and_wants_the_token(name):
    config = yaml.safe_load(read(name))
    starts = [command for command in commands_of(config) if "ray start" in command]
    assert len(starts) == 2
    for command in starts:
        assert "export RAY_AUTH_MODE=token" in command
        assert "ray-client-server-port" not in command and "0.0.0.0" not in command
    assert "--dashboard-host=127.0.0.1" in config["head_start_ray_commands"][-1]
    assert "~/.ray/auth_token" in config["file_mounts"] and "chmod 600 ~/.ray/auth_token" in config["setup_commands"]


def test_the_world_reaches_ssh_alone_on_aws(monkeypatch):
    """By the rules that `ray up` writes; nothing here adds to them."""
    config = yaml.safe_load(read("cluster.yaml"))
    assert "IpPermissions" not in read("cluster.yaml") and "security_group" not in config["provider"]
    assert all("SecurityGroupIds" not in kind["node_config"] for kind in config["available_node_types"].values())
    rules = aws_config(monkeypatch)._create_default_inbound_rules({"sg-cluster"}, [])
    world = [rule for rule in rules if rule.get("IpRanges")]
    assert [(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in world] == [("tcp", 22, 22)]
    assert [rule["UserIdGroupPairs"] for rule in rules if rule not in world] == [[{"GroupId": "sg-cluster"}]]


def aws_config(monkeypatch) -> types.ModuleType:
    """Ray's module that sets up AWS, without the libraries of AWS: no call is made."""
    names = ("exceptions", "resources.base"), ("client", "config", "exceptions")
    for package, modules in zip(("boto3", "botocore"), names, strict=True):
        for name in (package, *(f"{package}.{module}" for module in modules)):
            monkeypatch.setitem(sys.modules, name, mock.MagicMock(__version__="1.40.0"))
    with mock.patch.dict(sys.modules):
        from ray.autoscaler._private.aws import config
    return config


@pytest.mark.filterwarnings("ignore")
def test_ray_up_in_a_simulated_aws(monkeypatch, tmp_path, capsys):
    moto = pytest.importorskip("moto")
    import boto3

    monkeypatch.setenv("HOME", str(tmp_path))  # the key that `ray up` makes
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with moto.mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        from ray.autoscaler._private.aws.config import bootstrap_aws
        from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

        client = boto3.client("ec2", region_name="us-west-2")
        image = client.describe_images()["Images"][0]["ImageId"]
        config = prepare_config(yaml.safe_load(re.sub(r"ami-0{17}", image, read("cluster.yaml"))))
        config = bootstrap_aws(AWSNodeProvider.fillout_available_node_types_resources(config))
        groups = client.describe_security_groups(Filters=[{"Name": "tag:ray-cluster-name", "Values": ["eggroll-ray"]}])
    resources = {name: kind["resources"] for name, kind in config["available_node_types"].items()}
    assert resources["head"] == {"CPU": 0} and resources["gpu"]["GPU"] == 1 and resources["gpu"]["CPU"] == 4
    (group,) = groups["SecurityGroups"]
    world = [rule for rule in group["IpPermissions"] if rule["IpRanges"] or rule["Ipv6Ranges"]]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in world] == [(22, 22)]
    for rule in group["IpPermissions"]:
        assert rule in world or [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group["GroupId"]]


def test_kubernetes_shows_nothing_outside():
    _, job = kuberay()
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]
    assert head["serviceType"] == "ClusterIP" and not head.get("enableIngress") and "headService" not in head
    assert not re.search(r"LoadBalancer|NodePort|kind: Ingress\b|hostNetwork|hostPort", read("launch/kuberay.yaml"))


def test_kubernetes_lets_in_the_token_and_the_runs_own_pods():
    _, policy, job = yaml.safe_load_all(read("launch/kuberay.yaml"))
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
    ours = policy["spec"]["podSelector"]["matchLabels"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert ours.items() <= group["template"]["metadata"]["labels"].items()
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    own, operator = policy["spec"]["ingress"]
    assert own == {"from": [{"podSelector": {"matchLabels": ours}}]}
    assert operator["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "kuberay-operator"}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8265}]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_open_nothing(name):
    assert not re.search(r"dashboard-host|ray-client-server-port|0\.0\.0\.0", read(name))


# --- Are they in step with the rest?


def test_versions_are_those_of_the_constraints():
    ray = re.search(r"^ray==(.*)$", read("constraints.txt"), re.MULTILINE)[1]
    for name in OTHERS:
        found = re.findall(r"(?:ray:|ray-|rayVersion: \"|rayproject/ray:)(\d+\.\d+\.\d+)", read(name))
        assert found and set(found) == {ray}, name
    _, job = kuberay()
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == ray
    for name in CLUSTERS:
        installs = [command for command in commands_of(yaml.safe_load(read(name))) if "pip install" in command]
        assert installs and all("locked/" in command or command.endswith("isolation .") for command in installs)
        assert all("--require-hashes" in command for command in installs if "locked/" in command)
    assert "pip install --constraint constraints.txt --editable" in read("cluster.yaml")


def test_the_constraints_hold_for_the_libraries_of_aws_too():
    """They ask for python-dateutil below 3. A resolver has found this set; here no registry is asked."""
    pins = dict(line.split("==") for line in read("constraints.txt").split())
    assert {"boto3", "botocore", "s3transfer", "jmespath"} <= pins.keys()
    assert pins["boto3"] == pins["botocore"]
    assert Version("2.9") <= Version(pins["python-dateutil"]) < Version("3")


def test_what_clusters_install_is_what_the_constraints_say_and_each_file_has_its_hash():
    """A change of either needs `python launch/lock.py`."""
    pins = {
        canonicalize_name(name): version
        for name, version in (pin.split("==") for pin in read("constraints.txt").split())
    }
    wanted = [Requirement(each) for each in lock.requirements()]
    for name in ("base", *lock.ADDED):
        found = re.findall(
            r"^(\S+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", read(f"launch/locked/{name}.txt"), re.M
        )
        assert len(found) == read(f"launch/locked/{name}.txt").count("==")
        locked = {canonicalize_name(package): version for package, version, _ in found}
        assert locked.items() <= pins.items()
        if name == "base":
            assert {canonicalize_name(each.name) for each in wanted} <= locked.keys()
            assert all(each.specifier.contains(locked[canonicalize_name(each.name)]) for each in wanted)
        assert {canonicalize_name(Requirement(each).name) for each in lock.ADDED.get(name, [])} - {
            "jax"
        } <= locked.keys()


def options_of(command: str) -> train.Train:
    """Parses options in a launch file as the command line does."""
    words = shlex.split(command.replace('"$@"', "--env x").replace("$SLURM_JOB_NUM_NODES", "2"), comments=True)
    return tyro.cli(tyro.conf.OmitArgPrefixes[train.Train], args=words)  # pyright: ignore[reportArgumentType]


def examples(name: str) -> list[str]:
    """Options of `eggroll-ray train` in the comments and commands of a file: from --env or "$@" to the line's end."""
    text = kuberay()[1]["spec"]["entrypoint"] if name.endswith("kuberay.yaml") else read(name)
    lines = re.sub(r"\\\n", "", text).splitlines()
    return [match[0] for line in lines if (match := re.search(r"""(--env .*|"\$@"[^']*)$""", line))]


@pytest.mark.parametrize("name", [*CLUSTERS[:1], *SCRIPTS[2:], "launch/kuberay.yaml"])
def test_options_are_those_of_the_command_line(name):
    commands = examples(name)
    assert commands
    for command in commands:
        assert options_of(command).worker.workers == "auto"


def test_slurm_waits_for_all_its_nodes():
    worker = options_of(examples("launch/slurm.sh")[-1]).worker
    assert (worker.nodes, worker.address) == (2, "$address") and worker.wait_seconds >= 600


def test_gpu_clusters_are_asked_for_gpus():
    """With no node yet, "auto" cannot know that there will be GPUs."""
    for name, groups in (("cluster.yaml", 8), ("launch/kuberay.yaml", 4)):
        (command,) = examples(name)
        worker = options_of(command).worker
        assert worker.gpus_per_worker == 1 and worker.max_workers == groups
        assert name == "cluster.yaml" or worker.wait_seconds >= 600  # launch/submit.sh waits


# --- Do they run?


def test_a_run_that_exists_is_resumed(tmp_path):
    (tmp_path / "eggroll-ray").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "eggroll-ray").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def said(run: Path) -> str:
        command = ["bash", ROOT / "launch/train_or_resume.sh", run, "--env", "a b"]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()

    assert said(tmp_path / "new") == f"train --run {tmp_path / 'new'} --env a b"
    assert said(tmp_path) == f"train --run {tmp_path} --env a b --resume"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home folder with two runs without Ray: half of four generations, and all four."""
    home = tmp_path_factory.mktemp("launch")
    for name, generations in (("half", "2"), ("whole", "4")):
        command = ["eggroll-ray", "train", *RUN, "--generations", generations, "--workers", "0"]
        command += ["--run", str(home / "runs" / name)]
        subprocess.run(command, env=environment(home), check=True, capture_output=True)
    return home


def check_same(home: Path, name: str, output: str) -> None:
    """The run ended with the bits of the whole run, and had a worker on each of two machines."""
    results = [json.loads((home / "runs" / run / "result.json").read_text()) for run in ("whole", name)]
    assert results[0]["digest"] == results[1]["digest"], output
    rows = (home / "runs" / name / "metrics.jsonl").read_text().splitlines()
    assert json.loads(rows[-1])["workers"] == 2, output


SUBMIT = """
import os, subprocess, sys, urllib.error, urllib.request
from ray.cluster_utils import Cluster
from ray.job_submission import JobSubmissionClient

dashboard, cores = "http://127.0.0.1:8265", os.cpu_count()
head = {"include_dashboard": True, "dashboard_host": "127.0.0.1", "dashboard_port": 8265}
cluster = Cluster(initialize_head=True, head_node_args=head | {"num_cpus": cores})
cluster.add_node(num_cpus=cores)
try:
    urllib.request.urlopen(dashboard + "/api/jobs/")
    raise SystemExit("answered without a token")
except urllib.error.HTTPError as error:
    assert error.code == 401, error
command = ["launch/submit.sh", "half", *sys.argv[1:], "--nodes", "2"]
print(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout)
print("status:", *(job.status.value for job in JobSubmissionClient(dashboard).list_jobs()))
"""


def stand_in(folder: Path, program: str, script: str) -> dict[str, str]:
    """Environment variables with which a program of that name is that script."""
    (folder / program).write_text(f"#!/bin/bash\n{script}\n")
    (folder / program).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}


@pytest.fixture
def checkout(tmp_path) -> Path:
    """What submitting needs of a checkout, and beside it what must not travel."""
    folder = tmp_path / "checkout"
    for name in ("eggroll_ray", "envs", "launch"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "mine").mkdir()
    (folder / "mine" / "env.py").touch()
    for name in (".env", ".netrc", "id_rsa", "key.pem", "runs/a", ".venv/b.py", "mine/.env", "mine/.git/c.py"):
        for place in (folder, folder / "eggroll_ray", folder / "eggroll_ray/rl", folder / "envs", folder / "launch"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).touch()
    return folder


def shipped(checkout: Path, *words: str, **env: str) -> tuple[set[str], list[str]]:
    """What submitting takes to the cluster, and the command that runs there."""
    lists = """while [[ $1 != --working-dir ]]; do shift; done
    (cd "$2" && find . -type f -printf '%P\\n'); while [[ $1 != -- ]]; do shift; done; printf '=%s\\n' "$@" """
    (temporary := checkout.parent / "temporary").mkdir(exist_ok=True)
    env = stand_in(checkout.parent, "ray", lists) | {"TMPDIR": str(temporary)} | env
    command = ["bash", checkout / "launch/submit.sh", "name", *words]
    said = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line for line in said if line[0] != "="}, [line[1:] for line in said if line[0] == "="]


def test_a_submitted_job_takes_the_package_and_no_more(checkout):
    files = [file for folder in ("eggroll_ray", "envs") for file in (ROOT / folder).rglob("*") if file.is_file()]
    package = {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}
    package = package - {"envs/assets/README.md"} | {"launch/train_or_resume.sh"}
    files, _ = shipped(checkout, "--env", "x")
    assert files == package
    files, _ = shipped(checkout, "--env", "x", EGGROLL_RAY_SHIP="mine key.pem")
    assert files == package | {"mine/env.py", "key.pem"}
    assert not list((checkout.parent / "temporary").iterdir())


def test_a_submitted_job_waits_for_its_cluster(checkout):
    """`ray up` returns while the workers install, for minutes."""
    assert shipped(checkout, "--env", "x")[1][-4:] == ["--env", "x", "--wait-seconds", "1200"]
    for said in (["--wait-seconds", "5"], ["--wait-seconds=5"]):
        assert shipped(checkout, "--env", "x", *said)[1][-2 - len(said) :] == ["--env", "x", *said]


@pytest.mark.parametrize("name", CLUSTERS)
def test_nodes_start_ray_as_it_should_be(name, tmp_path):
    """By what `ray start` is given, after the words that `ray up` puts before it, with a low limit of open files."""
    (folder := tmp_path / "eggroll-ray/.venv/bin").mkdir(parents=True)
    env = stand_in(
        folder,
        "ray",
        'echo "$@"; echo $(ulimit -n) $RAY_AUTH_MODE $RAY_USAGE_STATS_ENABLED; echo v2=$RAY_enable_autoscaler_v2',
    ) | {"HOME": str(tmp_path)}
    config = yaml.safe_load(read(name))
    local = config["provider"]["type"] == "local"
    before = "ulimit -S -n 500; ulimit -H -n 1000; export RAY_USAGE_STATS_ENABLED=1 RAY_HEAD_IP=10.9.8.7; "
    for kind in ("head", "worker"):
        given = "export RAY_enable_autoscaler_v2=1 RAY_CLOUD_INSTANCE_ID=10.9.8.7; " if kind == "head" else ""
        command = ["bash", "-c", before + given + config[f"{kind}_start_ray_commands"][-1]]
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        start, settings, autoscaler = done.stdout.splitlines()
        assert settings == "1000 token 0" and not done.stderr
        if kind == "head":
            assert autoscaler == ("v2=0" if local else "v2=1")  # v2 cannot start the workers of `local`
            assert ("--node-ip-address=10.9.8.7" in start.split()) == local
        else:
            assert start == "start --address=10.9.8.7:6379"


def test_on_prem_clusters_are_stopped_on_all_machines(tmp_path):
    """The head first, which would start workers again; a worker that cannot be reached is named."""
    (home := tmp_path / "eggroll-ray/.venv/bin").mkdir(parents=True)
    stand_in(home, "ray", 'echo "head: $@"')
    stand_in(tmp_path, "ssh", 'echo "ssh: ${@:(-2)}"; [[ $* != *0.12* ]]')
    env = stand_in(tmp_path, "ray", 'if [ $1 = exec ]; then bash -c "$3"; else echo "ray: $@"; fi')
    env["PATH"] = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(["bash", ROOT / "launch/down-onprem.sh"], env=env, capture_output=True, text=True)
    stop = "~/eggroll-ray/.venv/bin/ray stop --force"
    assert done.stdout.splitlines() == [
        "head: stop --force",
        f"ssh: you@192.168.0.11 {stop}",
        f"ssh: you@192.168.0.12 {stop}",
        "Ray may still run on 192.168.0.12",
        f"ray: down --yes {ROOT}/launch/cluster-onprem.yaml",
    ]
    assert done.returncode == 1, done.stderr


def test_the_disks_of_aws_end_with_their_machines():
    for kind in yaml.safe_load(read("cluster.yaml"))["available_node_types"].values():
        assert all(disk["Ebs"]["DeleteOnTermination"] for disk in kind["node_config"]["BlockDeviceMappings"])


@pytest.mark.slow
@pytest.mark.ray
@needs_machines
def test_a_submitted_job_continues_a_run_with_the_same_bits(home):
    command = [sys.executable, "-c", SUBMIT, *RUN, "--generations", "4", "--cpus-per-worker", CORES]
    done = run_isolated(command, environment(home), 600)
    assert done.stdout.splitlines()[-1] == "status: SUCCEEDED", done.stdout
    check_same(home, "half", done.stdout)
