"""Findings become what people read: files, figures, pages.

Reads tables and runs nothing; no torch, no Optuna. May use: search's reading half, analysis,
results and what is below them.

- `write`: all files of a run. Begin reading here.
- `read`: what a run shows, its networks called by what they are.
- `summary_file`: `summary.md`; `verdict_file`: `verdict.csv`; `run_page`: `report.html`.
- `citation`: how a run is cited; `neighbours`: the order of reading, and links between pages.
- `run_sections`, `recipe_sections`, `design_sections`, `look_sections`, `search_sections`: parts
  of that page.
- `comparison_page`: several runs side by side; `index_page`: the list of all runs.
- `figures/`: the figures; `html/`: a page, whatever it says; `claims/`: an article's, judged;
  `tables/`: tables that others measured.
"""
