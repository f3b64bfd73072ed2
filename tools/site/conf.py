# SPDX-License-Identifier: Apache-2.0
"""Settings of Sphinx for the site: tools/site/make lays out the pages that it reads."""

project = "Ravine"

extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block"]
suppress_warnings = ["myst.header"]  # a README may begin with what is no heading
nitpicky = True
nitpick_ignore = [("c:identifier", name) for name in ["size_t", "int32_t", "int64_t", "uint32_t"]]

highlight_language = "none"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5a8a", "color-brand-content": "#0b5a8a"},
    "dark_css_variables": {"color-brand-primary": "#7cc4ef", "color-brand-content": "#7cc4ef"},
}
