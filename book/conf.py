"""Sphinx's settings for the book; `python start.py book` runs it (make_book.py).

Lessons keep the outputs that they are stored with: nothing is run. Equations become MathML, which browsers draw by
themselves, and pictures of a lesson keep the description that is stored beside them. No page fetches anything.
"""

import base64
import hashlib
import sys
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from myst_nb.sphinx_ext import add_global_html_resources
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book"), str(ROOT / "notebooks" / "tools")]

import convbert_edu
from book_docstrings import to_rst
from mathml import to_mathml

project = "ConvBERT, step by step"
author = "the contributors of convbert_edu"
copyright = "the contributors of convbert_edu, Apache License 2.0"
release = version = convbert_edu.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.viewcode"]
# The same text as in JupyterLab: straight quotation marks stay straight.
smartquotes = False

# Lessons as they are stored. A widget would fetch its scripts, so it gets none.
nb_execution_mode = "off"
nb_merge_streams = True
# What lessons print as Markdown has tables, too.
nb_render_markdown_format = "myst"
nb_ipywidgets_js: dict[str, Any] = {}
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 4
# Addresses without a scheme in the text stay text.
myst_url_schemes = ["http", "https", "mailto"]

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
# A method without words of its own has none from PyTorch either.
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
viewcode_follow_imported_members = False
autosummary_generate = False
python_use_unqualified_type_names = True
add_module_names = False
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_show_sphinx = False
html_math_renderer = "mathml"
html_theme_options = {
    "show_toc_level": 2,
    "navbar_persistent": [],
    "navigation_with_keys": False,
    "use_download_button": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

epub_basename = "convbert-step-by-step"
epub_identifier = epub_uid = "convbert-edu-step-by-step"
epub_scheme = "ID"
epub_description = "ConvBERT built from scratch, looked into and fine-tuned: a course in eighteen lessons."
epub_contributor = author
epub_show_urls = "no"
epub_tocscope = "includehidden"
epub_exclude_files = ["search.html", "genindex.html", "py-modindex.html"]
epub_use_index = False
suppress_warnings = [
    # Notebooks have lines that begin with ! or %, which are no Python.
    "misc.highlighting_failure",
    # Pages are in the EPUB, copies of other files are not.
    "epub.unknown_project_files",
]

log = logging.getLogger(__name__)


def write_equation(translator: Any, node: nodes.Element, display: str) -> None:
    """Write an equation as MathML; one that cannot be drawn is a warning, which ends the build."""
    try:
        translator.body.append(to_mathml(node.astext(), display))
    except ValueError as error:
        log.warning(str(error), location=node)
    raise nodes.SkipNode


def describe_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Give the pictures of a lesson the descriptions that are stored with them (metadata "alt")."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    described = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                # The name that myst-nb gives the file.
                name = hashlib.sha256(base64.b64decode(output.data["image/png"])).hexdigest()
                described[name] = output.metadata.get("image/png", {}).get("alt", "")
    for image in doctree.findall(nodes.image):
        image["alt"] = image.get("alt") or described.get(Path(image["uri"]).stem, "")


def convert_docstring(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Sphinx reads docstrings as reStructuredText; ours are plain text."""
    lines[:] = to_rst(lines, thing if what in ("class", "function", "method", "exception") else None)


def bring_style(app: Sphinx) -> None:
    """Put myst-nb's style sheet into an EPUB before it is packed; myst-nb itself copies it after that."""
    if app.builder.name == "epub":
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)


def setup(app: Sphinx) -> None:
    """Register what is said above."""
    app.connect("builder-inited", bring_style)
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda translator, node: write_equation(translator, node, "inline"), None),
        block_renderers=(lambda translator, node: write_equation(translator, node, "block"), None),
    )
    app.connect("doctree-read", describe_pictures)
    app.connect("autodoc-process-docstring", convert_docstring)
