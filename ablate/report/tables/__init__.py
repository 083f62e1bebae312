"""Tables that others measured become files, figures and pages.

May use: tables, analysis' words, results and what is below them.

- `write`: all files of a table of arms with repeats. Begin reading here.
- `arms_page`: its page; `outcome`: its figures.
- `kept`: what is kept of the table, so that all of it can be made anew; `check`: whether it is.
"""
