"""Arms with repeats, from any table: which is better, and how surely.

May use: the rest of `tables`, and what is below it.

- `compare`: arms compared, and predictions judged. Begin reading here.
- `repeats`: the rows; `units`: what their numbers are; `expectations`: predictions as `A > B`.
- `words`: the verdict on them, made by `on_arms` or `on_predictions` from `parts`; `caveat`: what
  speaks against it, and what would settle it.
- `table`: their table; `numbers`: how numbers are written.
- `spread`: where the rows of each arm lie, where the rows themselves are not kept.
"""
