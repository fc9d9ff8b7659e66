"""Builds the documentation site with Sphinx: `make docs`."""

import sys
from pathlib import Path
from typing import Any

from pygments.lexers.shell import BashLexer

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]

from eggroll_ray import __version__  # noqa: E402  it lies beside this folder

project = "eggroll_ray"
author = "the authors of eggroll_ray"
project_copyright = "the authors of eggroll_ray, Apache-2.0"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "reference_pages",
]
exclude_patterns = ["_ext", "rl_search", "**/.ipynb_checkpoints"]
nitpicky = False  # no inventories of other projects are fetched, so their types have no targets
suppress_warnings = ["mystnb.unknown_mime_type"]

# Text.
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # `make docs-notebooks` executes them
nb_output_stderr = "remove"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

# Reference.
default_role = "py:obj"  # `name` in a docstring is a link where there is something of that name
add_module_names = False
python_use_unqualified_type_names = True
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Looks. Nothing is fetched from other hosts.
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"eggroll_ray {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def setup(sphinx: Any) -> None:
    """Called by Sphinx. The lexer of sessions would take commands without a prompt for output."""
    sphinx.add_lexer("console", BashLexer)
