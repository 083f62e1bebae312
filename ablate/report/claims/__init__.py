"""Claims of an article about networks, judged by torchvision's networks and by runs.

May use: figures, html, analysis and what is below them; torchvision's networks are handed in.

- `file`: the tables of a file of claims.
- `verdict`: what is there against what was claimed, and the verdict.
- `page`: all of it as a page, a summary and tables; `figure`: what each stage costs, by growth.
"""
