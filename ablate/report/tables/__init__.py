"""Tables that others measured become files, figures and pages.

- `write_shapes`: all files of a table of many networks. Begin reading here.
- `shapes_page`: its page; `shapes_figure`: its figure.
- `write_power`: all files of a table of run times; `power_page`, `power_figure`: likewise.
"""
