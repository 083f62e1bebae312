"""One self-contained HTML page from headings, tables and pictures; it knows nothing of studies.

May use: errors.

- `page`: a page and the index, from the templates in `templates/`.
- `anchors`: names of the places on a page; `table`: a frame as a table.
- `svg`: a figure made safe and small enough to stand in a page.
"""
