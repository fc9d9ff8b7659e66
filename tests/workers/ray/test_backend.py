"""The trainer on a real local Ray: the same bits as in process, lost workers, resources, what is left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import optax
import pytest
import ray
from clusters import STARTS, start_ray, too_slow
from marks import mostly_slow
from ray._private import ray_constants

import eggroll_ray as er
import envs
from eggroll_ray.forecast import block_size
from eggroll_ray.runs.metrics import read_metrics
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.ray import backend, connect, resources

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(600),  # a busy machine takes minutes to start Ray
    pytest.mark.filterwarnings("ignore:.*RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO.*:FutureWarning"),
]

GENERATIONS = 20


def objective(params, key):
    """Made in the test module: it reaches the workers by value."""
    del key
    return -((np.eye(6, dtype=np.float32) @ params["w"]) ** 2).sum() - ((params["b"] - 1.0) ** 2).sum()


def start() -> dict:
    return {"w": np.ones((6, 5), np.float32), "b": np.zeros(5, np.float32)}


def cartpole() -> er.Evaluator:
    return er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((16,)), normalize_observations=True)


def custom() -> er.Evaluator:
    return er.from_fitness(objective, start())


def digest(evaluator: er.Evaluator, workers: int) -> str:
    trainer = er.Trainer(
        evaluator,
        er.eggroll(optimizer=optax.adam(0.05)),
        population_size=96,
        block_size=16,
        workers=er.Workers(workers, cpus=0.5),
        watch=er.Watch(every=5, episodes=8),
        seed=7,
    )
    with trainer:
        return trainer.fit(GENERATIONS).digest


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    """One Ray for the module, started as the trainer starts it."""
    start_ray(lambda: connect.connect(er.Workers()))
    yield
    ray.shutdown()


@pytest.mark.parametrize(
    ("make", "counts"),
    [(cartpole, (0, 1, 3)), *(pytest.param(make, (0, 1, 2, 3), marks=pytest.mark.slow) for make in (cartpole, custom))],
)
def test_same_bits_for_any_number_of_workers(make, counts):
    digests = {workers: digest(make(), workers) for workers in counts}
    assert len(set(digests.values())) == 1, digests


def test_parameters_that_are_not_finite_end_the_run_as_in_process(tmp_path):
    def strategy() -> er.ES:
        return er.eggroll(optimizer=optax.sgd(lambda count: np.float32(0.1) + (count // 2) * np.float32(np.inf)))

    told = []
    for workers in (0, 2):
        run = er.Run(tmp_path / str(workers), checkpoint_every=1)
        given = {"population_size": 32, "block_size": 8, "workers": er.Workers(workers, cpus=0.5), "run": run}
        with er.Trainer(custom(), strategy(), **given) as trainer, pytest.raises(er.NotFiniteError) as error:
            trainer.fit(3)
        told.append(str(error.value))
        assert json.loads((tmp_path / str(workers) / "result.json").read_text())["status"] == "failed"
    assert told[0].startswith("after the update of generation 0, leaf 'b' and 1 other leaves are not finite")
    assert told[0] in told[1]


@pytest.fixture
def cancelled(monkeypatch):
    """The calls that are cancelled."""
    calls, cancel = [], ray.cancel

    def note(call, **options):
        calls.append(call)
        cancel(call, **options)

    monkeypatch.setattr(ray, "cancel", note)
    return calls


def test_a_process_like_a_workers_searches_the_block_size_for_all(tmp_path, monkeypatch, cancelled):
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(tmp_path))
    given = {"population_size": 32, "seed": 3}
    with er.Trainer(custom(), block_size="auto", workers=er.Workers(2, cpus=0.5), **given) as auto:
        found = auto.fit(2)
    assert not cancelled, "what has finished: Ray 2.60 may end this process"
    (path,) = (tmp_path / "blocks").iterdir()
    kept = json.loads(path.read_text())
    assert {name: kept["key"][name] for name in ("workers", "threads")} == {"workers": 2, "threads": 1}
    assert kept["key"]["xla_threads"] == "2"  # never one: compiling/threads.py
    with er.Trainer(custom(), block_size=kept["block_size"], **given) as fixed:
        assert fixed.fit(2).digest == found.digest


def test_a_search_that_takes_too_long_is_an_error(tmp_path, monkeypatch, cancelled):
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(tmp_path))
    monkeypatch.setattr(block_size, "_SEARCH_SECONDS", 0.01)
    with pytest.raises(er.WorkerError, match=r"search the block size: no result after 0 s"):
        er.Trainer(custom(), population_size=32, block_size="auto", workers=er.Workers(2, cpus=0.5))
    assert len(cancelled) == 1


def actors(trainer: er.Trainer) -> list:
    """The Ray actors of a trainer, whatever they are doing."""
    return [worker.handle for worker in trainer._pool._membership.workers.values()]


def test_a_killed_worker_changes_nothing():
    trainer = er.Trainer(custom(), population_size=64, block_size=8, workers=er.Workers(2, cpus=0.5), seed=3)
    with trainer:
        for row in trainer:
            if row["generation"] == 3:
                ray.kill(actors(trainer)[0])  # as a process that crashes
            if row["worker_failures"] and row["workers"] == 2:  # the loss was noticed, and made up for
                break
        disturbed = trainer.result()
    whole = er.Trainer(custom(), population_size=64, block_size=8, seed=3).fit(disturbed.generations)
    assert disturbed.digest == whole.digest


def test_a_worker_that_drifts_by_one_bit_is_rebuilt(tmp_path):
    """Of two workers that disagree neither is believed: both are rebuilt from the start of the run, which decides."""

    def run(workers: int, folder: Path | None) -> str:
        trainer = er.Trainer(
            custom(), population_size=32, block_size=8, workers=er.Workers(workers, cpus=0.5), seed=3, run=folder
        )
        with trainer:
            for row in trainer:
                if row["generation"] == 2 and workers:
                    drift(actors(trainer)[1])
                if row["generation"] == 5:
                    return trainer.result().digest

    assert run(2, tmp_path / "run") == run(0, None)
    events = [row for row in read_metrics(tmp_path / "run" / "metrics.jsonl") if "event" in row]
    assert [(event["worker"], event["generation"]) for event in events if event["event"] == "worker quarantined"] == [
        ("1", 3)
    ]


def drift(actor) -> None:
    """Changes the last bit of one parameter of a worker."""
    _, snapshot = ray.get(actor.ask.remote("digest_and_snapshot", ()))
    state = snapshot["state"]
    drifted = {**state.params, "b": np.nextafter(state.params["b"], np.float32(9))}
    ray.get(actor.ask.remote("restore", ({**snapshot, "state": state._replace(params=drifted)},)))


def test_the_only_worker_is_replaced_and_replays_the_run():
    whole = er.Trainer(custom(), population_size=32, seed=3).fit(5)
    trainer = er.Trainer(custom(), population_size=32, workers=er.Workers(1, cpus=0.5), seed=3)
    with trainer:
        for row in trainer:
            if row["generation"] == 2:
                ray.kill(actors(trainer)[0])
            if row["generation"] == 5:
                assert trainer.result().digest == whole.digest
                break


def test_no_worker_for_too_long_is_an_error_that_says_how_to_go_on(tmp_path, caplog):
    workers = er.Workers(1, cpus=0.5, wait_seconds=1)
    trainer = er.Trainer(custom(), population_size=32, workers=workers, run=tmp_path / "run", seed=3)
    with trainer, pytest.raises(er.WorkerError, match=r"no worker is left(.|\n)*eggroll-ray resume"):
        trainer.fit(6, lambda row: row["generation"] == 2 and take_away(trainer))
    assert "waiting up to 1 s for the cluster" in caplog.text
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == "failed"
    with er.Trainer(custom(), population_size=32, run=er.Run(tmp_path / "run", resume=True), seed=3) as again:
        whole = er.Trainer(custom(), population_size=32, seed=3)
        assert again.fit(6).digest == whole.fit(6).digest


@pytest.mark.slow  # what becomes of workers that compute something else is tested in virtual time
def test_workers_that_compute_other_results_end_the_run_before_anything_is_logged(tmp_path):
    def fitness(members, keys):
        return np.full(len(keys), os.getpid(), np.float32)

    evaluator = er.from_fitness(fitness, start(), er.batched())
    trainer = er.Trainer(
        evaluator, population_size=8, block_size=2, workers=er.Workers(2, cpus=0.5), run=tmp_path / "run"
    )
    with (
        trainer,
        pytest.raises(er.WorkerError, match=r"workers 0 and 1 compute different results for members \d to \d of gen"),
    ):
        trainer.fit(1)
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [row["event"] for row in rows if "event" in row][-1] == "failed" and not any(
        "fitness" in row for row in rows
    )


def take_away(trainer: er.Trainer) -> None:
    """Kills the workers of a trainer, and leaves no room for new ones."""
    membership = trainer._pool._membership
    membership._backend.target = lambda: 0
    for actor in actors(trainer):
        ray.kill(actor)


def test_too_many_workers_are_refused_at_once():
    started = time.monotonic()
    trainer = er.Trainer(custom(), population_size=32, workers=er.Workers(10_000, wait_seconds=1))
    with pytest.raises(er.WorkerError, match=r"asked for 10000 workers .* the cluster has \d+ CPUs"):
        trainer.fit(1)
    assert time.monotonic() - started < 30


def test_a_worker_needs_its_room_on_one_machine():
    machines = [{"CPU": 1.5}, {"CPU": 1.5}, {"CPU": 7.0, "GPU": 1.0}, {"GPU": 4.0}]
    assert resources.room_for(machines, 1.0, 0.0) == 1 + 1 + 7
    assert resources.room_for(machines, 2.0, 0.0) == 3
    assert resources.room_for(machines, 0.1, 0.0) == 15 + 15 + 70
    assert resources.room_for(machines, 1.0, 0.5) == 2
    lacking = resources.what_is_lacking(er.Workers(4, cpus=2.0), machines, 0.0)
    assert lacking is not None and "10 CPUs and 5 GPUs on 4 machines, which is enough for 3" in lacking
    assert resources.what_is_lacking(er.Workers(3, cpus=2.0), machines, 0.0) is None
    lacking = resources.what_is_lacking(er.Workers(3, cpus=2.0, nodes=5), machines, 0.0)
    assert lacking is not None and "asked for 5 machines, but the cluster has 4" in lacking


def test_large_outcomes_go_through_the_object_store_and_small_ones_with_the_calls(caplog):
    cluster = backend.RayBackend(lambda: None, 4, er.Workers(1, cpus=0.5))
    assert "nothing to do" not in caplog.text
    small, large = (Outcome(3, np.ones(size, np.float32)) for size in (1_000, 100_000))
    assert cluster.put(small) is small
    found = ray.get(cluster.put(large))
    assert found.number == 3 and found.fitness.tobytes() == large.fitness.tobytes()
    moments = Outcome(3, small.fitness, (np.ones(100_000, np.float32),))
    assert isinstance(cluster.put(moments), ray.ObjectRef)
    crowd = backend.RayBackend(lambda: None, 4, er.Workers(2_000, cpus=0.001))
    assert isinstance(crowd.put(small), ray.ObjectRef)  # 8 MB in all
    assert "there are 2000 workers, but a generation has 4 blocks, so 1996 workers have nothing to do" in caplog.text


def test_a_cluster_that_cannot_be_reached_is_an_error():
    code = """
        import eggroll_ray as er, numpy as np
        trainer = er.Trainer(
            er.from_fitness(lambda p, k: p["b"].sum(), {"b": np.ones(3, np.float32)}),
            population_size=4, workers=er.Workers(1, address="127.0.0.1:1"))
        try:
            trainer.fit(1)
        except er.WorkerError as error:
            print("refused:", error)
    """
    found = run_python(code)
    assert "refused:" in found.stdout and "127.0.0.1:1" in found.stdout, found


def test_a_worker_with_one_core_does_not_compute_with_one_thread():
    def threads_of_xla(members, keys):
        return np.full(len(keys), float(os.environ["NPROC"]), np.float32)

    evaluator = er.from_fitness(threads_of_xla, start(), er.batched())
    workers = er.Workers(1, cpus=1)
    with er.Trainer(evaluator, population_size=8, workers=workers, watch=er.Watch(every=0)) as trainer:
        rows = []
        trainer.fit(1, rows.append)
    assert rows[0]["fitness_mean"] == 2  # what one computes has other bits


def test_the_processes_that_a_new_ray_starts_with_become_its_workers():
    """Another environment would make Ray start others, while those stand idle: seconds on a laptop."""
    code = """
        import os
        import eggroll_ray as er, numpy as np
        import ray

        def threads(members, keys):
            assert ray.get_runtime_context().get_runtime_env_string() == "{}"
            return np.full(len(keys), float(os.environ["OMP_NUM_THREADS"]), np.float32)

        before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "PYTHONPATH", "JAX_PLATFORMS")}
        evaluator = er.from_fitness(threads, {"b": np.ones(3, np.float32)}, er.batched())
        with er.Trainer(evaluator, population_size=8, workers=er.Workers(1, cpus=1.5)) as trainer:
            trainer.fit(1, lambda row: print("mean", row["fitness_mean"]))
        print(before == {name: os.environ.get(name) for name in before})
    """
    found = run_python(code)
    assert found.stdout.split() == ["mean", "2.0", "True"], found


def test_an_error_of_the_fitness_names_the_member():
    def fails(params, seed):
        raise ValueError("boom")

    evaluator = er.from_fitness(fails, start(), er.blocking())
    trainer = er.Trainer(evaluator, population_size=8, workers=er.Workers(2, cpus=0.5), block_size=4)
    with trainer, pytest.raises(er.FitnessError, match=r"member \d of generation 0(.|\n)*boom"):
        trainer.fit(1)


def run_python(code: str, timeout: float = 280) -> subprocess.CompletedProcess:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, timeout=timeout
    )


@pytest.mark.slow  # which code travels is tested in test_connect.py
def test_a_package_of_the_users_called_envs_is_what_workers_of_a_cluster_import(tmp_path):
    """Also where the script lies in another folder: `python -m` finds it by the working folder."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text("def fitness(params, key): return 0 * params['b'].sum() + 7.0")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train.py").write_text(
        textwrap.dedent("""
        import sys
        import eggroll_ray as er, numpy as np
        import envs
        evaluator = er.from_fitness(envs.fitness, {"b": np.ones(3, np.float32)})
        workers = er.Workers(1, cpus=0.5, address=sys.argv[1])
        with er.Trainer(evaluator, population_size=4, workers=workers) as trainer:
            trainer.fit(1, lambda row: print("mean", row["fitness_mean"]))
    """)
    )
    path = os.pathsep.join([str(Path(er.__file__).parents[1]), *filter(None, sys.path)])
    found = subprocess.run(
        [sys.executable, "-m", "scripts.train", ray.get_runtime_context().gcs_address],
        env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path, ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert found.stdout.split() == ["mean", "7.0"], found


SCRIPT = """
import sys
import eggroll_ray as er, numpy as np
trainer = er.Trainer(
    er.from_fitness(lambda p, k: -((p["b"] - 1.0) ** 2).sum(), {"b": np.ones(6, np.float32)}),
    population_size=64, block_size=8, workers=2, run=sys.argv[1], seed=3)
with trainer:
    print("started", flush=True)
    result = trainer.fit(100_000, lambda row: print(row["generation"], flush=True))
    print(result.status, result.generations, flush=True)
"""


def processes_of(session: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            if f"EGGROLL_TEST_SESSION={session}".encode() in environment.split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100])
        except OSError:
            continue
    return found


def listening(session: int) -> list[str]:
    """Addresses that the processes of a session listen on, as /proc writes them."""
    inodes = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"EGGROLL_TEST_SESSION={session}".encode() not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            inodes |= {os.readlink(link) for link in (folder / "fd").iterdir()}
        except OSError:
            continue
    addresses = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                addresses.append(fields[1].rpartition(":")[0])
    return addresses


def started(command: list[str], said: str, environment: dict[str, str], errors: Path) -> subprocess.Popen:
    """Starts the script and waits until it says something."""
    for left in reversed(range(STARTS)):
        shutil.rmtree(command[-1], ignore_errors=True)  # of a start that failed
        with errors.open("w") as stderr:  # in a group of its own, as from a shell
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
            )
        if any(line.rstrip().endswith(said) for line in iter(process.stdout.readline, "")):  # Ray says who says it
            return process
        process.communicate()
        assert left and too_slow(errors.read_text()), errors.read_text()


def assert_ends_in_order(process: subprocess.Popen, run: Path, session: int) -> int:
    """Returns the generations of a run that was stopped; nothing of it is left."""
    rest, _ = process.communicate(timeout=200)
    ended = [line.split() for line in rest.splitlines() if line.startswith("stopped")]
    assert process.returncode == 0 and len(ended) == 1
    _, generations = ended[0]
    assert (run / "checkpoints" / f"{int(generations):08d}").is_dir()
    deadline = time.monotonic() + 60
    while (left := processes_of(session)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    return int(generations)


@pytest.mark.parametrize("number", mostly_slow([signal.SIGINT, signal.SIGTERM], quick=[signal.SIGTERM]))
def test_a_signal_ends_a_run_in_order_and_leaves_nothing_behind(tmp_path, number):
    """It goes to all processes of the terminal's group, as a Ctrl-C does; Ray's own are not among them."""
    session = os.getpid() * 100 + number
    environment = {**os.environ, "EGGROLL_TEST_SESSION": str(session), "PYTHONUNBUFFERED": "1"}
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = started([sys.executable, str(script), str(tmp_path / "run")], "5", environment, tmp_path / "errors")
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    open_to = listening(session)
    assert open_to and set(open_to) <= loopback, open_to
    os.killpg(process.pid, number)
    generations = assert_ends_in_order(process, tmp_path / "run", session)

    def make(run=None):
        evaluator = er.from_fitness(lambda p, k: -((p["b"] - 1.0) ** 2).sum(), {"b": np.ones(6, np.float32)})
        return er.Trainer(evaluator, population_size=64, block_size=8, seed=3, run=run)

    total = generations + 3
    with make(er.Run(tmp_path / "run", resume=True)) as again:
        assert again.fit(total).digest == make().fit(total).digest


FIRST_GENERATION = """
import sys, time
import eggroll_ray as er, numpy as np

def fitness(members, keys):
    print("evaluating", flush=True)
    time.sleep(3600)  # as a compiler may

trainer = er.Trainer(
    er.from_fitness(fitness, {"b": np.ones(6, np.float32)}, er.batched()),
    population_size=8, block_size=2, workers=2, run=sys.argv[1], seed=3)
with trainer:
    result = trainer.fit(10)
    print(result.status, result.generations, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_first_generation_ends_the_run_at_once(tmp_path, number):
    session = os.getpid() * 100 + 50 + number
    environment = {**os.environ, "EGGROLL_TEST_SESSION": str(session), "PYTHONUNBUFFERED": "1"}
    script = tmp_path / "script.py"
    script.write_text(FIRST_GENERATION)
    command = [sys.executable, str(script), str(tmp_path / "run")]
    process = started(command, "evaluating", environment, tmp_path / "errors")
    began = time.monotonic()
    os.killpg(process.pid, number)
    assert assert_ends_in_order(process, tmp_path / "run", session) == 0
    assert time.monotonic() - began < 40  # of 60 that Ray takes to notice that its server is gone
