"""A live view of training: a panel in a terminal, plain lines in a log."""

import contextlib
import itertools
import logging
import math
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eggroll_ray.compiling.durations import Durations
from eggroll_ray.compiling.phases import listening
from eggroll_ray.report.start import Start
from eggroll_ray.report.text import format_bytes, format_number, number, plural, printable

_RECENT = 20  # generations that the remaining time is estimated from
_WIDEST = 92  # columns of the panel
_LOG_COLUMNS = 100  # of a line in a log
_BESIDE = 19  # columns of the panel that its names and frame take
_BLOCKS = "▁▂▃▄▅▆▇█"
_QUANTILES = ("min", "q25", "median", "q75", "max")


class Progress:
    """Shows the rows of a run on stderr; a context manager, and a `metrics.Sink`.

    Until the first row it says what the run is busy with (`compiling.phases`), with the seconds counting.

    In a terminal a panel is redrawn in place; on leaving, also by an exception or Ctrl-C, its last
    state stays and the cursor is back. Elsewhere (logs, CI, a pipe) it writes one line of printable
    text, of at most 100 columns, every few seconds, or for every generation if slower.

    Args:
      total_generations: The generation count at which training ends; row `g` is the `g + 1`-th.
      target: The return of the mean policy that solves the task, if there is one.
      title: What is trained.
      console: Where to write; stderr if `None`. Its `is_terminal` chooses between the two forms.
      plain_seconds: The shortest time between two lines of a log.
      verbose: Write all that is known into the lines of a log, however long they become.
      durations: How long the start took the last time; what this one takes is kept there.
    """

    def __init__(
        self,
        total_generations: int,
        target: float | None = None,
        title: str = "",
        *,
        console: Console | None = None,
        plain_seconds: float = 5.0,
        verbose: bool = False,
        durations: Durations | None = None,
    ) -> None:
        # Asked of the stream itself: FORCE_COLOR would make rich take a CI log for a terminal.
        self._console = console or Console(stderr=True, force_terminal=sys.stderr.isatty())
        self._total = total_generations
        self._target = target
        self._title = printable(title)
        self._plain_seconds = plain_seconds
        self._verbose = verbose
        self._start = Start(durations, self._tell)
        self._listening = contextlib.ExitStack()
        self._row: Mapping[str, Any] | None = None
        self._evaluated: Mapping[str, Any] = {}  # the last row with a mean policy return
        self._returns: list[float] = []
        self._requeued = 0  # blocks
        self._arrived = 0.0  # when the last row came
        self._arrivals: list[float] = []  # of rows from the second on
        self._started = time.monotonic()
        self._last_line = -math.inf
        self._unwritten = False
        self._live: Live | None = None
        self._handlers: list[tuple[logging.StreamHandler[Any], Any]] = []

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Shows one row of the metrics: a generation, or an event as a message."""
        if "event" in row:
            self.message(f"generation {row.get('generation', '-')}: {row['event']}: {row.get('detail', '')}")
            return
        if self._row is None:
            self._listening.close()
            self._start.done()
        self._arrived = time.monotonic()
        if self._row is not None:  # the first generation has compiled its evaluation, and the second the update
            self._arrivals = [*self._arrivals[-_RECENT:], self._arrived]
        value = row.get("mean_policy_return")
        if value is not None and math.isfinite(value):
            self._returns.append(value)
            self._evaluated = row
        self._requeued += int(number(row, "requeued_blocks") or 0)
        self._row = row
        if self._live is None:
            self._unwritten = True
            last = row["generation"] + 1 >= self._total
            if last or self._arrived - self._last_line >= self._plain_seconds:
                self._write_line()

    def message(self, text: str) -> None:
        """Writes text above the panel, or as lines of the log."""
        if self._live is None:
            self._console.out(printable(text), highlight=False)
        else:
            self._console.print(Text(printable(text)))

    def close(self) -> None:
        """Draws the last state and gives the terminal back; does nothing the second time."""
        self._listening.close()
        live, self._live = self._live, None
        if live is not None:
            live.transient = self._row is None  # what a start was busy with says nothing once it has failed
            try:
                live.stop()
            finally:
                self._console.show_cursor(True)
                for handler, stream in self._handlers:
                    handler.setStream(stream)
                self._handlers = []
        elif self._unwritten:
            self._write_line()
        self._unwritten = False

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._listening.enter_context(listening(self._start))
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            try:
                self._start_live()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start_live(self) -> None:
        before = sys.stderr
        self._live = Live(
            console=self._console,
            get_renderable=self._panel,
            refresh_per_second=4,
            redirect_stdout=sys.stdout.isatty(),  # a redirected stdout must reach its file
        )
        self._live.start(refresh=True)
        # Handlers made earlier hold the old stream and would write into the panel.
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is before:
                self._handlers.append((handler, before))
                handler.setStream(sys.stderr)

    def _elapsed(self) -> float:
        if self._row is None:
            return time.monotonic() - self._started
        return (number(self._row, "time") or 0.0) + time.monotonic() - self._arrived

    def _remaining(self) -> float | None:
        """Seconds until the last generation; None before the third one, since the first two include compiling."""
        row, arrivals = self._row, self._arrivals
        if row is None:
            return None
        left = self._total - row["generation"] - 1
        if len(arrivals) < 2:
            return 0.0 if left <= 0 else None
        each = (arrivals[-1] - arrivals[0]) / (len(arrivals) - 1)
        return max(0.0, left * each - (time.monotonic() - self._arrived))

    def _tell(self, text: str) -> None:
        """Writes what a run is busy with into a log; a terminal shows it in place."""
        if self._live is None:
            self.message(f"{self._title}: {text}" if self._title else text)

    def _write_line(self) -> None:
        row = self._row
        assert row is not None
        line = " | ".join(self._all_parts(row)) if self._verbose else self._short_line(row)
        self._console.out(line, highlight=False)
        self._last_line = time.monotonic()
        self._unwritten = False

    def _short_line(self, row: Mapping[str, Any]) -> str:
        """How far the run is and how well it does, in one line of a terminal."""
        remaining, workers = self._remaining(), self._workers_text(row)
        parts = [
            f"generation {row['generation'] + 1}/{self._total}",
            f"left {_clock(remaining)}" if remaining is not None else "",
            f"{_what(row)} {self._returns_text('+-', spread=False)}",
            f"{row['invalid_members']} invalid members" if row.get("invalid_members") else "",
            next((text for text in workers if text.endswith("lost")), ""),
            _speed(row),
        ]
        parts = [part for part in parts if part]
        columns = min(self._console.width, _LOG_COLUMNS) if self._console.is_terminal else _LOG_COLUMNS
        title = f"{self._title}: " if self._title else ""
        while len(parts) > 1 and len(title) + len(" | ".join(parts)) > columns:
            if title:
                title = ""
            else:
                parts.pop()
        return title + " | ".join(parts)

    def _all_parts(self, row: Mapping[str, Any]) -> list[str]:
        remaining, workers = self._remaining(), self._workers_text(row)
        parts = [
            f"{self._title}: generation {row['generation'] + 1}/{self._total}".removeprefix(": "),
            f"elapsed {_clock(self._elapsed())}",
            f"left {_clock(remaining)}" if remaining is not None else "",
            "fitness " + "/".join(format_number(number(row, f"fitness_{q}")) for q in _QUANTILES),
            f"{_what(row)} {self._returns_text('+-')}",
            _speed(row),
            ", ".join(_time_split(row)),
            f"update ratio {format_number(number(row, 'update_ratio'))}",
            ", ".join([plural(row["workers"], "worker"), *workers] if row.get("workers") else workers),
            f"{row['invalid_members']} invalid members" if row.get("invalid_members") else "",
        ]
        return [part for part in parts if part]

    def _returns_text(self, plus_minus: str, spread: bool = True) -> str:
        if not self._returns:
            return "-"
        text = format_number(self._returns[-1])
        deviation = number(self._evaluated, "mean_policy_return_std")
        if deviation is not None and spread:
            text += f" {plus_minus} {format_number(deviation)}"
        text += f", best {format_number(max(self._returns))}"
        return text if self._target is None else text + f", target {format_number(self._target)}"

    def _workers_text(self, row: Mapping[str, Any]) -> list[str]:
        """Says what befell the workers so far, and their idle time and traffic in the last generation."""
        failures, idle = int(number(row, "worker_failures") or 0), number(row, "idle_share")
        down, up = number(row, "bytes_down"), number(row, "bytes_up")
        return [
            *([f"{failures} lost"] if failures else []),
            *([f"{plural(self._requeued, 'block')} re-queued"] if self._requeued else []),
            *([f"idle {100 * idle:.0f}%"] if idle else []),
            *([f"{format_bytes(down)} down"] if down else []),
            *([f"{format_bytes(up)} up"] if up else []),
        ]

    def _panel(self) -> RenderableType:
        row = self._row
        if row is None:
            title = f"{self._title}: " if self._title else ""
            return Text.assemble((title, "bold"), self._start.text(), no_wrap=True, overflow="ellipsis")
        done = row["generation"] + 1
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        remaining = self._remaining()
        left = "" if remaining is None else f"   left {_clock(remaining)}"
        head.add_row(
            Text.assemble(("generation ", "dim"), (str(done), "bold"), (f" / {self._total}", "dim")),
            Text(f"elapsed {_clock(self._elapsed())}{left}", style="dim"),
        )
        bar = Table.grid(expand=True)  # a bare bar ends no line
        bar.add_row(ProgressBar(total=max(self._total, 1), completed=done))
        return Panel(
            Group(head, bar, self._table(row)),
            title=Text(self._title, style="bold") if self._title else None,
            title_align="left",
            box=ROUNDED,
            border_style="dim",
            width=min(self._console.width, _WIDEST),
            padding=(0, 2),
        )

    def _table(self, row: Mapping[str, Any]) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        reached = bool(self._returns and self._target is not None and self._returns[-1] >= self._target)
        table.add_row(
            _what(row),
            Text(self._returns_text("±"), style="bold green" if reached else "bold"),
        )
        columns = max(8, min(self._console.width, _WIDEST) - _BESIDE)
        if len(self._returns) > 1:
            table.add_row("", Text(_sparkline(self._returns, columns), style="cyan"))
        fitness = [_named(q, row, f"fitness_{q}") for q in _QUANTILES]
        speed = [Text(part) for part in (_speed(row), *_time_split(row)) if part]
        update = [
            _named("ratio", row, "update_ratio"),
            _named("gradient", row, "gradient_norm"),
            _named("sigma", row, "sigma"),
        ]
        invalid = int(row.get("invalid_members") or 0)
        members = Text.assemble(("invalid members ", "dim"), (str(invalid), "bold red" if invalid else ""))
        who = [Text(f"{row['workers']} alive")] if row.get("workers") else [Text("none: in this process")]
        workers = [*who, *map(Text, self._workers_text(row)), members]
        for name, items in (("fitness", fitness), ("speed", speed), ("update", update), ("workers", workers)):
            table.add_row(name, _packed(items, columns))
        return table


def _what(row: Mapping[str, Any]) -> str:
    """What is tested: a plain function knows no policy, and no steps."""
    return "mean policy" if row.get("steps") else "mean parameters"


def _speed(row: Mapping[str, Any]) -> str:
    rate = number(row, "member_steps_per_second")
    if not rate:
        return ""
    return f"{format_number(rate)} {'member-steps' if row.get('steps') else 'evaluations'}/s"


def _time_split(row: Mapping[str, Any]) -> list[str]:
    names = ("update", "evaluate", "driver")
    seconds = [number(row, f"time_{name}") or 0.0 for name in names]
    total = sum(seconds)
    if total <= 0:
        return []
    return [f"{name} {100 * part / total:.0f}%" for name, part in zip(names, seconds, strict=True)]


def _named(name: str, row: Mapping[str, Any], key: str) -> Text:
    return Text.assemble((f"{name} ", "dim"), format_number(number(row, key)))


def _packed(items: Sequence[Text], columns: int) -> Text:
    """Puts items side by side, and below each other rather than over the end of a line."""
    packed, free = Text(), columns
    for item in items:
        if packed and item.cell_len + 2 > free:
            packed, free = packed.append("\n"), columns
        elif packed:
            packed, free = packed.append("  "), free - 2
        packed, free = packed.append_text(item), free - item.cell_len
    return packed


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    whole = round(seconds)
    days = f"{whole // 86400}d " if whole >= 86400 else ""
    return f"{days}{whole // 3600 % 24}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _sparkline(values: list[float], columns: int) -> str:
    values = list(values)  # the drawing thread reads while training appends
    columns = min(columns, len(values))
    edges = [len(values) * i // columns for i in range(columns + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[round((mean - low) * scale)] for mean in means)
