"""Tables that others measured become files, figures and pages.

- `write_shapes`: all files of a table of many networks. Begin reading here.
- `shapes_page`: its page; `shapes_figure`: its figure.
"""
