"""A live view of training: a panel in a terminal, plain lines in a log."""

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

from eggroll_ray.report.text import format_bytes, format_number, number, plural, printable

_RECENT = 20  # generations that the remaining time is estimated from
_WIDEST = 92  # columns of the panel
_BESIDE = 19  # columns of the panel that its names and frame take
_BLOCKS = "▁▂▃▄▅▆▇█"
_QUANTILES = ("min", "q25", "median", "q75", "max")


class Progress:
    """Shows the rows of a run on stderr; a context manager, and a `metrics.Sink`.

    In a terminal a panel is redrawn in place; on leaving, also by an exception or Ctrl-C, its last
    state stays and the cursor is back. Elsewhere (logs, CI, a pipe) it writes one line of printable
    text every few seconds, or for every generation if slower.

    Args:
      total_generations: The generation count at which training ends; row `g` is the `g + 1`-th.
      target: The return of the mean policy that solves the task, if there is one.
      title: What is trained.
      console: Where to write; stderr if `None`. Its `is_terminal` chooses between the two forms.
      plain_seconds: The shortest time between two lines of a log.
    """

    def __init__(
        self,
        total_generations: int,
        target: float | None = None,
        title: str = "",
        *,
        console: Console | None = None,
        plain_seconds: float = 5.0,
    ) -> None:
        # Asked of the stream itself: FORCE_COLOR would make rich take a CI log for a terminal.
        self._console = console or Console(stderr=True, force_terminal=sys.stderr.isatty())
        self._total = total_generations
        self._target = target
        self._title = printable(title)
        self._plain_seconds = plain_seconds
        self._row: Mapping[str, Any] | None = None
        self._evaluated: Mapping[str, Any] = {}  # the last row with a mean policy return
        self._returns: list[float] = []
        self._requeued = 0  # blocks
        self._arrivals: list[float] = []
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
        self._arrivals = [*self._arrivals[-_RECENT:], time.monotonic()]
        value = row.get("mean_policy_return")
        if value is not None and math.isfinite(value):
            self._returns.append(value)
            self._evaluated = row
        self._requeued += int(number(row, "requeued_blocks") or 0)
        self._row = row
        if self._live is None:
            self._unwritten = True
            last = row["generation"] + 1 >= self._total
            if last or self._arrivals[-1] - self._last_line >= self._plain_seconds:
                self._write_line()

    def message(self, text: str) -> None:
        """Writes text above the panel, or as lines of the log."""
        if self._live is None:
            self._console.out(printable(text), highlight=False)
        else:
            self._console.print(Text(printable(text)))

    def close(self) -> None:
        """Draws the last state and gives the terminal back; does nothing the second time."""
        live, self._live = self._live, None
        if live is not None:
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
        return (number(self._row, "time") or 0.0) + time.monotonic() - self._arrivals[-1]

    def _remaining(self) -> float | None:
        if self._row is None:
            return None
        arrivals = self._arrivals
        if len(arrivals) > 1:
            each = (arrivals[-1] - arrivals[0]) / (len(arrivals) - 1)
        else:
            each = arrivals[0] - self._started
        left = (self._total - self._row["generation"] - 1) * each
        return max(0.0, left - (time.monotonic() - arrivals[-1]))

    def _write_line(self) -> None:
        row = self._row
        assert row is not None
        remaining = self._remaining()
        parts = [
            f"generation {row['generation'] + 1}/{self._total}",
            f"elapsed {_clock(self._elapsed())}",
            f"left {_clock(remaining)}",
            "fitness " + "/".join(format_number(number(row, f"fitness_{q}")) for q in _QUANTILES),
            f"mean policy {self._returns_text('+-')}",
            _speed(row),
            ", ".join(_time_split(row)),
            f"update ratio {format_number(number(row, 'update_ratio'))}",
            ", ".join([plural(row.get("workers", "-"), "worker"), *self._workers_text(row)]),
        ]
        if row.get("invalid_members"):
            parts.append(f"{row['invalid_members']} invalid members")
        title = f"{self._title}: " if self._title else ""
        self._console.out(title + " | ".join(part for part in parts if part), highlight=False)
        self._last_line = time.monotonic()
        self._unwritten = False

    def _returns_text(self, plus_minus: str) -> str:
        if not self._returns:
            return "-"
        text = format_number(self._returns[-1])
        spread = number(self._evaluated, "mean_policy_return_std")
        if spread is not None:
            text += f" {plus_minus} {format_number(spread)}"
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
        done = 0 if row is None else row["generation"] + 1
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        left = "" if row is None else f"   left {_clock(self._remaining())}"
        head.add_row(
            Text.assemble(("generation ", "dim"), (str(done), "bold"), (f" / {self._total}", "dim")),
            Text(f"elapsed {_clock(self._elapsed())}{left}", style="dim"),
        )
        bar = Table.grid(expand=True)  # a bare bar ends no line
        bar.add_row(ProgressBar(total=max(self._total, 1), completed=done))
        body = Text("waiting for the first generation", style="dim") if row is None else None
        return Panel(
            Group(head, bar, body or self._table(row or {})),
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
            "mean policy",
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
        workers = [Text(f"{row.get('workers', '-')} alive"), *map(Text, self._workers_text(row)), members]
        for name, items in (("fitness", fitness), ("speed", speed), ("update", update), ("workers", workers)):
            table.add_row(name, _packed(items, columns))
        return table


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
