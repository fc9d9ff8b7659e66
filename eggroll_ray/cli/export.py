"""The command `export`: a run's policy as files that are used without this package."""

import dataclasses
from pathlib import Path
from typing import Literal

from eggroll_ray.cli.folder import RunFolder, replay_of
from eggroll_ray.cli.say import UsageError, say, usage
from eggroll_ray.exporting.write import export as write_export


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a run's policy, with its observation normaliser, as files that are used without this package."""

    run: RunFolder
    """The run folder."""
    format: tuple[Literal["safetensors", "npz", "stablehlo", "onnx"], ...] = ("safetensors", "npz", "stablehlo")
    """Formats: arrays for any program (safetensors, npz), or the whole policy as one function (stablehlo, for JAX;
    onnx, for onnxruntime and others, which needs the extra onnx)."""
    output: Path | None = None
    """Folder that is written; by default export, in the run folder."""
    generation: int | None = None
    """Parameters after so many updates; by default those of the newest checkpoint."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


def export(command: Export) -> int:
    options, evaluator, past = replay_of(command)
    worker = past.worker_at(past.newest() if command.generation is None else command.generation)
    if evaluator.policy is None:
        raise UsageError(f"{options.title} has no policy to export.")
    policy = evaluator.policy(*worker.mean())
    about = {"run": command.run.name, "generation": worker.number}
    with usage():
        paths = write_export(policy, command.output or command.run / "export", command.format, about=about)
    say(f"{options.env} after {worker.number} generations:")
    for path in paths.values():
        say(f"{path} ({path.stat().st_size:,} bytes)")
    return 0
