"""The command `export`: a run's policy as files that are used without this package."""

import dataclasses
from pathlib import Path
from typing import Literal

from eggroll_ray.cli.folder import OfRun, open_run
from eggroll_ray.cli.say import UsageError, say, usage
from eggroll_ray.exporting.write import export as write_export


@dataclasses.dataclass(frozen=True)
class Export(OfRun):
    """Write a run's policy, with its observation normaliser, as files that are used without this package."""

    format: tuple[Literal["safetensors", "npz", "stablehlo", "onnx"], ...] = ("safetensors", "npz", "stablehlo")
    """File formats. safetensors and npz hold the arrays, for any program.
    stablehlo (for JAX) and onnx (for onnxruntime and others) hold the whole policy as one function.
    onnx needs the extra onnx."""
    output: Path | None = None
    """Folder to write to; by default the folder export in the run folder."""
    generation: int | None = None
    """Export the parameters after this number of updates; by default those of the newest checkpoint."""
    best: bool = False
    """Export the parameters with the best test of the run."""


def export(command: Export) -> int:
    if command.best and command.generation is not None:
        raise UsageError(f"--best and --generation {command.generation} name two generations; leave out one.")
    opened = open_run(command)
    if opened.evaluator.policy is None:
        raise UsageError(
            f"{opened.name} has no policy to export; er.load_params({str(command.run)!r}) loads its arrays."
        )
    with usage():
        number, mean = opened.past.mean("best" if command.best else command.generation)
        policy, about = opened.evaluator.policy(*mean), {"run": command.run.name, "generation": number}
        paths = write_export(policy, command.output or command.run / "export", command.format, about=about)
    say(f"{opened.name} after {number} generations:")
    for path in paths.values():
        say(f"{path} ({path.stat().st_size:,} bytes)")
    return 0
