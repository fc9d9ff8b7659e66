"""Draws docs/pictures/how_it_works.svg: one generation, and one layer with low-rank noise.

Run: python docs/pictures/how_it_works.py

The picture brings its own background, and follows the reader's preference of light or dark.
"""

from pathlib import Path

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
WIDTH, HEIGHT = 960, 470
STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de }
  .box { fill: #f6f8fa; stroke: #8c959f }
  .mean { fill: #ddf4ff; stroke: #0969da }
  .noise { fill: #fff1e5; stroke: #bc4c00 }
  .log { fill: #dafbe1; stroke: #1a7f37 }
  .arrow { fill: none; stroke: #57606a; stroke-width: 1.6 }
  .head { fill: #57606a }
  text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 12.5px; fill: #57606a }
  .formula { font-family: "DejaVu Serif", Georgia, serif; font-style: italic }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d }
    .box { fill: #161b22; stroke: #6e7681 }
    .mean { fill: #0c2d6b; stroke: #58a6ff }
    .noise { fill: #4d2306; stroke: #f0883e }
    .log { fill: #0f3d1e; stroke: #3fb950 }
    .arrow { stroke: #9198a1 }
    .head { fill: #9198a1 }
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
  }
"""


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def text(words: str, x: float, y: float, kind: str = "", anchor: str = "middle") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'


def arrow(*points: tuple[float, float]) -> str:
    path = " L ".join(f"{x} {y}" for x, y in points)
    return f'<path class="arrow" d="M {path}" marker-end="url(#head)"/>'


def worker(name: str, members: str, x: float) -> list[str]:
    """One worker, its centre at x + 100."""
    steps = (
        ("mean", "mean parameters θ"),
        ("noise", "noise E, drawn from the seed"),
        ("box", f"evaluate members {members}"),
    )
    parts = [box("box", x, 178, 250, 200), text(name, x + 125, 200, "title")]
    for i, (kind, words) in enumerate(steps):
        parts += [box(kind, x + 12, 212 + 40 * i, 226, 30), text(words, x + 125, 232 + 40 * i)]
    update = text("update θ by the fitness of all", x + 125, 354)
    return [*parts, update, text("the same in every worker", x + 125, 370, "small")]


def generation() -> list[str]:
    """The left part: the driver, two workers, and what travels between them."""
    parts = [text("One generation", 30, 38, "title", "start")]
    parts += [box("log", 130, 58, 330, 58), text("driver", 295, 82, "title")]
    parts += [text("keeps the fitness log", 295, 103, "small")]
    parts += worker("worker 1", "0 to 255", 30) + worker("worker 2", "256 to 511", 310)
    for left, right in ((150, 180), (430, 460)):
        parts += [arrow((left, 178), (left, 120)), arrow((right, 116), (right, 174))]
    parts += [text("fitness of its", 90, 142, "small"), text("members", 90, 158, "small")]
    parts += [text("fitness of all", 240, 142, "small"), text("members", 240, 158, "small")]
    parts += [text("No parameters, no noise and no gradients travel.", 295, 412)]
    return [*parts, text("Any number of workers gives the same bits.", 295, 434)]


def layer() -> list[str]:
    """The right part: a product with a perturbed matrix."""
    parts = ['<path class="arrow" d="M 590 40 L 590 440"/>', text("One layer of one member", 615, 38, "title", "start")]
    parts += [box("mean", 620, 70, 120, 120), text("W", 680, 137, "formula"), text("shared by all", 680, 208, "small")]
    parts += [text(f"+ {SIGMA} ·", 772, 136), box("noise", 806, 70, 14, 120), text("A", 813, 208, "formula")]
    parts += [box("noise", 830, 70, 100, 14), text("Bᵀ", 880, 104, "formula")]
    parts += [text("noise of this", 886, 140, "small"), text("member alone", 886, 158, "small")]
    parts += [text("The sum is never formed. A layer computes", 615, 252, "", "start")]
    parts += [box("box", 620, 266, 310, 44), text(f"x W  +  {SIGMA} (x A) Bᵀ / √r", 775, 294, "formula")]
    lines = (
        "The first product is one matrix product",
        "for all members of a block. With rank",
        "r = 1 the second costs next to nothing.",
        "Your network runs as it is written:",
        "its operations are interpreted.",
    )
    return parts + [text(line, 615, 340 + 22 * i, "", "start") for i, line in enumerate(lines)]


def picture() -> str:
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="head" d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>'
    )
    title = "<title>One generation of an evolution strategy with low-rank noise</title>"
    page = f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
    begin = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    return "\n".join([begin, title, f"<style>{STYLE}</style>", head, page, *generation(), *layer(), "</svg>", ""])


if __name__ == "__main__":
    (Path(__file__).parent / "how_it_works.svg").write_text(picture())
