"""Tables that others measured become files, figures and pages.

May use: tables, analysis' words, results and what is below them.

- `write_study`: all files of a study of kind `table` about networks. Begin reading here.
- `shapes_page`, `shapes_figure`: of many networks; `power_page`, `power_figure`: of run times.
- `describe_page`, `describe_figure`: of a description of groups; `boxes`: quartiles for rows.
- `write`: all files of a table of arms with repeats; `arms_page`: its page; `outcome`: its figures.
- `kept`: what is kept of such a table, so that all of it can be made anew; `check`: whether it is.
"""
