"""Writes brax episodes as a self-contained HTML page with brax's own viewer, which makes no network request."""

import base64
import json
import zlib
from importlib import resources
from pathlib import Path
from typing import Any

# The content security policy forbids all requests. The browser unpacks the zlib stream with DecompressionStream, which
# all browsers have had since 2023.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:;
 font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
body {{ margin: 0 }}
#viewer {{ height: 100vh; width: 100vw; overflow: hidden }}
</style>
</head>
<body>
<div id="viewer"></div>
<script>
/*
{licences}
*/
{viewer}
</script>
<script>
showBraxSystem(document.getElementById("viewer"), "{system}");
</script>
</body>
</html>
"""


def render(suite_env: Any, states: list[Any], path: Path) -> Path:
    """Writes an interactive 3-D page of one episode.

    Args:
        suite_env: brax's environment.
        states: brax's states, in order.
        path: where to write, without suffix.

    Returns:
        The page's path, ending in `.html`.
    """
    from brax.io import json as brax_json

    # The viewer plays one state per `opt.timestep`; an environment's step is several of those.
    system = suite_env.sys.tree_replace({"opt.timestep": suite_env.dt})
    text = brax_json.dumps(system, [state.pipeline_state for state in states])
    # Five decimals are much finer than a pixel, and halve the size of the page.
    text = json.dumps(json.loads(text, parse_float=lambda number: round(float(number), 5)))
    page = path.with_name(path.name + ".html")
    page.parent.mkdir(parents=True, exist_ok=True)
    assets = resources.files("envs").joinpath("assets")
    page.write_text(
        _PAGE.format(
            title=type(suite_env).__name__,
            licences=assets.joinpath("LICENSES.txt").read_text("utf-8").strip(),
            viewer=assets.joinpath("brax_viewer.js").read_text("utf-8"),
            system=base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii"),
        ),
        encoding="utf-8",
    )
    return page
