"""Arms with repeats, from any table: which is better, and how surely.

May use: the rest of `tables`, and what is below it.

- `compare`: arms compared, and predictions judged. Begin reading here.
- `repeats`: the rows; `units`: what their numbers are; `expectations`: predictions as `A > B`.
- `words`: the verdict on them; `table`: their table; `numbers`: how numbers are written.
- `spread`: where the rows of each arm lie, where the rows themselves are not kept.
"""
