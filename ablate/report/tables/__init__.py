"""Tables that others measured become files, figures and pages.

- `write_study`: all files of a study of kind `table`. Begin reading here.
- `shapes_page`, `shapes_figure`: of many networks; `power_page`, `power_figure`: of run times.
"""
