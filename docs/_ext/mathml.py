"""Renders formulas as MathML, which browsers show by themselves: no script, and nothing from another host."""

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

_log = logging.getLogger(__name__)


def _mathml(node: nodes.Node, block: bool) -> str:
    text = node.astext()
    try:
        return tex2mathml(text, as_block=block)
    except (SyntaxError, ValueError) as error:
        _log.warning("no MathML for %s: %s", text, error, location=node)
        return text


def _inline(writer: Any, node: nodes.Node) -> None:
    writer.body.append(_mathml(node, False))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.Node) -> None:
    writer.body.append(f'<div class="math">{_mathml(node, True)}</div>')
    raise nodes.SkipNode


def setup(sphinx: Any) -> dict[str, Any]:
    """Called by Sphinx, which knows this module as an extension."""
    sphinx.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
