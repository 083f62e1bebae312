"""Pages, figures and files of what tables say that others measured.

- `write`: all files of a table with arms. Begin reading here.
- `arms_page`: its page; `outcome`: its figures.
- `kept`: what is kept of the table, so that all of it can be made anew and checked.
"""
