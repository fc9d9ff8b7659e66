"""The parts that a report is made of: HTML that fetches nothing, runs no script and follows the reader's theme."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from eggroll_ray.report.text import printable


def escape(text: Any) -> str:
    """Makes any text safe as HTML, inside and outside of attributes."""
    return html.escape(printable(str(text)))


def document(title: str, header: str, body: str, footer: str, kind: str = "eggroll-ray run") -> str:
    """Writes a whole page.

    Args:
      title: Plain text.
      header: HTML below the title.
      body: HTML.
      footer: HTML.
      kind: What page it is, plain text.

    Returns:
      HTML under a policy that forbids scripts and the network.
    """
    name = escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:; frame-src 'self' file:\">"
        f"<title>{name}</title><style>{_CSS}</style></head><body>"
        f'<header><p class="kind">{escape(kind)}</p><h1>{name}</h1>{header}</header>'
        f"<main>{body}</main><footer>{footer}</footer></body></html>\n"
    )


def section(heading: str, body: str) -> str:
    """Puts HTML under a heading; nothing at all if it is empty."""
    return f"<section><h2>{heading}</h2>{body}</section>" if body else ""


def tile(name: str, value: str, note: str = "") -> str:
    """Shows one number with its name and a note, both plain text."""
    small = f"<small>{escape(note)}</small>" if note else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{small}</dd></div>"


class Html(str):
    """Text that is HTML already, which a table shows as it is."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "settings") -> str:
    """Writes a table; nothing without rows.

    Args:
      head: Names of the columns, plain text.
      rows: Plain text, but for what is `Html`.
      kind: Its class, which decides the widths of the columns: "settings", "events" or "numbers".
    """
    if not rows:
        return ""
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(cell: str) -> str:
    return cell if isinstance(cell, Html) else escape(cell)


def fold(summary: str, body: str) -> str:
    """Hides HTML behind a line of plain text that opens it."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def flat(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Writes nested settings as pairs of a dotted name and a value."""
    if isinstance(value, Mapping) and value:
        dot = "." if key else ""
        return [pair for name in value for pair in flat(value[name], f"{key}{dot}{name}")]
    if not key:
        return []
    return [(key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]


_CSS = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #15181d; --muted: #565e6c; --line: #e1e4ea;
  --blue: #0b62b8; --orange: #bd5b00; --green: #00805f; --red: #c02638; --violet: #7440ad; }
@media (prefers-color-scheme: dark) { :root {
  --page: #111317; --card: #191c22; --ink: #eceef2; --muted: #a3abb9; --line: #2d323c;
  --blue: #5eb0f7; --orange: #f0a04b; --green: #3fcf9f; --red: #ff7b86; --violet: #bf9af5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 2.5rem 1.5rem 3rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: clamp(1.6rem, 4vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 .9rem; font-size: 1.05rem; letter-spacing: -.01em; }
p { margin: 0; } code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
.kind, footer, small, dt, figcaption, .none { color: var(--muted); }
.kind { margin-bottom: .3rem; font-size: .85rem; }
.outcome { margin: .9rem 0 1.8rem; padding-left: .9rem; border-left: 4px solid var(--blue);
  font-size: 1.1rem; overflow-wrap: anywhere; }
.outcome.solved { border-color: var(--green); } .solved b { color: var(--green); }
.outcome.failed { border-color: var(--red); } .failed b { color: var(--red); }
.outcome.stopped, .outcome.unfinished { border-color: var(--orange); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); margin: 0;
  overflow: hidden; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.tiles div { padding: .9rem 1.1rem; box-shadow: 0 0 0 .5px var(--line); } dt { font-size: .82rem; }
dd { margin: 0; font-size: 1.5rem; font-weight: 600; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .82rem; font-weight: 400; letter-spacing: 0; }
section { margin-top: 1.25rem; padding: 1.25rem 1.4rem; border: 1px solid var(--line);
  border-radius: 12px; background: var(--card); }
figure { margin: 0; } figcaption { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem;
  margin-bottom: .5rem; font-size: .86rem; }
figcaption span { display: inline-flex; align-items: center; gap: .45rem; }
i { display: inline-block; width: 1.1rem; height: .7rem; border-radius: 2px;
  background: currentColor; print-color-adjust: exact; } i.line { height: 3px; } i.range { opacity: .22; }
i.band { opacity: .42; } i.box { width: .7rem; opacity: .8; }
i.dash, i.dotted { height: 0; border-top: 2px dashed; background: none; border-radius: 0; }
i.dotted { border-top-style: dotted; }
i.blue { color: var(--blue); } i.orange { color: var(--orange); } i.green { color: var(--green); }
i.red { color: var(--red); } i.violet { color: var(--violet); } i.muted { color: var(--muted); }
i.mark { width: .75rem; height: .75rem; border-radius: 0; }
i.right { clip-path: polygon(5% 0, 100% 50%, 5% 100%); } i.left { clip-path: polygon(95% 0, 0 50%, 95% 100%); }
i.up { clip-path: polygon(50% 0, 100% 95%, 0 95%); } i.down { clip-path: polygon(0 5%, 100% 5%, 50% 100%); }
i.diamond { clip-path: polygon(50% 0, 100% 50%, 50% 100%, 0 50%); } i.square { clip-path: inset(10%); }
i.cross { clip-path: polygon(25% 0, 50% 25%, 75% 0, 100% 25%, 75% 50%, 100% 75%, 75% 100%, 50% 75%, 25% 100%,
  0 75%, 25% 50%, 0 25%); }
i.upright { width: 0; height: 1rem; border-left: 2px dashed; background: none; border-radius: 0; }
i.dots { border-left-style: dotted; }
.note { margin-top: .6rem; color: var(--muted); font-size: .86rem; }
details:not(:last-child) { margin-bottom: 1rem; } summary { cursor: pointer; color: var(--muted); font-size: .9rem; }
details[open] summary { margin-bottom: .7rem; }
svg { display: block; width: 100%; height: auto; } svg.narrow { display: none; }
svg text { font-family: inherit !important; font-variant-numeric: tabular-nums; }
.copy { margin: 0 0 .6rem; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
.copy span { display: inline-block; max-width: 100%; }
.outcome + .copy { margin-top: -.8rem; } .copy + .tiles, header:has(.copy) + main > .tiles { margin-top: 1.2rem; }
details + details { margin-top: .2rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr));
  gap: 0 1.25rem; align-items: start; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr));
  gap: 1.2rem; }
.pictures img { display: block; max-width: 100%; border-radius: 8px; }
iframe { width: 100%; aspect-ratio: 4 / 3; border: 1px solid var(--line); border-radius: 8px; }
a { color: var(--blue); } .scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { padding: 0 1.2rem .45rem 0; color: var(--muted); font-weight: 500; text-align: left; }
td { padding: .4rem 1.2rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.settings td:first-child, .events td:first-child { width: 1%; padding-right: 2.5rem; white-space: nowrap; }
.events td:nth-child(3) { overflow-wrap: normal; } .events td:nth-child(4) { width: 60%; }
.numbers td, .numbers th { overflow-wrap: normal; white-space: nowrap; }
figure + .scroll { margin-top: 1.1rem; } .prose { max-width: 46rem; } .prose p + p { margin-top: .7rem; }
td i { margin-right: .5rem; vertical-align: .2rem; }
footer { margin-top: 1.6rem; font-size: .85rem; }
@media (max-width: 640px) { body { padding: 1.4rem .9rem 2rem; }
  section { padding: 1rem; } svg.wide { display: none; } svg.narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; } table { font-size: .84rem; }
  th, td { padding-right: .6rem; }
  .settings td:first-child, .events td:first-child { padding-right: .6rem; white-space: normal;
    overflow-wrap: normal; } }
@media print { body { max-width: none; padding: 0; } section { break-inside: avoid; } }
"""
