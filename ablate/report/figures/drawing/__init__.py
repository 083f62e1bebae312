"""How a figure is drawn and saved, whatever it shows. May use: `html` for pictures, and files.

- `style`: how figures look, what a figure is, and how it is saved. Begin reading here.
- `sheet`: what a figure is drawn on, its title and key.
- `tips`: what a mark says of itself; `zoom`: a closer view of a group; `paper`: PDFs for print.
"""
