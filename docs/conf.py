"""The documentation site, made of the files where they lie: `sphinx-build -c docs . build/site`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_site"))

project = "sketchkit"
author = copyright = "The sketchkit authors"
root_doc = "docs/index"
include_patterns = ["docs/**/*.md", "docs/*.md", "plugins/*/README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "build", "dist", "**/node_modules"]
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "cli_reference",
    "file_links",
    "plugin_catalogue",
    "public_names",
]

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]

# Docstrings say `name` for code; what is documented becomes a link.
smartquotes = False  # `--option` stays what it is
default_role = "py:obj"
napoleon_custom_sections = ["Source"]
autodoc_default_options = {"members": True}
napoleon_use_ivar = True
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
maximum_signature_line_length = 72
python_display_short_literal_types = True
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "sketchkit"
html_static_path = ["_site/static"]
html_css_files = ["site.css"]
html_favicon = "_site/static/favicon.svg"
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars = {"**": ["sidebar-nav-bs"], "docs/index": [], "docs/gallery": [], "docs/tutorial": []}
html_additional_pages = {"index": "front.html"}
templates_path = ["_site/templates"]
html_theme_options = {
    "logo": {
        "text": "sketchkit",
        "image_light": "logo-light.svg",
        "image_dark": "logo-dark.svg",
    },
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "docs/index": [], "docs/gallery": []},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
