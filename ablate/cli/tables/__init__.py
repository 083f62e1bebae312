"""Commands about tables that others measured.

None of them loads torch. May use everything.

- `judge`: any table with arms; `judge_stream`: rows that come one by one.
- `study`: `ablate run` for a study of kind `table`.
"""
