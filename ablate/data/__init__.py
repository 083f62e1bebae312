"""Datasets as uint8 tensors in memory, split once and for all.

May use: spec, errors, files, processes.

- `catalog`: what is known of each dataset without opening it: shapes, classes, sizes.
- `sources`: `--dataset NAME` or `folder:PATH` becomes an entry like those of the catalog.
- `dataset`: reads a dataset and splits it.
- `augmentation`: random shift, mirror and cutout, drawn for an epoch.
- `folder`: one's own images, decoded once and kept on disk.
- `image_tree`, `image_file`, `image_cache`: which files there are; one file; the arrays on disk.
"""
