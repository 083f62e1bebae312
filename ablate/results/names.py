"""The names of the files in a run's folder, `results/STUDY/DATASET`."""

# What a run leaves, and what only a run can make.
STUDY, MANIFEST = "study.toml", "manifest.json"
TRIALS, PARQUET, EPOCHS = "trials.csv", "trials.parquet", "epochs.csv"
STAGES, MECHANISM, CORRECT = "stages.csv", "mechanism.csv", "correct.csv"
TUNING, DRAWS, SWEEP = "tuning.csv", "draws.csv", "throughput.csv"
SEARCH_FILE, SEARCH, NETWORKS = "search.toml", "search.csv", "networks.csv"
HYPERVOLUME, COMPARISONS, BASELINE = "hypervolume.csv", "comparisons.csv", "baseline.csv"

# What a run needs to go on: never published.
STORAGE, LOCK, CHECKPOINTS, LATENCY = "study.db", "study.lock", "checkpoints", "latency.json"

# What a run is asked to keep, and what is made of that: not published either.
WEIGHTS, EXPORTED = "weights", "exported"

# What the report makes of the tables, again whenever it is asked.
SUMMARY, HYPOTHESES, ANOVA, ARMS = "summary.csv", "hypotheses.csv", "anova.csv", "arms.csv"
MARKDOWN, REPORT, VERDICT = "summary.md", "report.html", "verdict.csv"

# Of a table that others measured: what was read.
SOURCE = "source.csv"
JUDGED = "source.json"  # and, of one with arms, what was asked

# In results/: the project's own runs, in STUDY/DATASET/ like a user's.
PUBLISHED = "published"

# Beside the runs: of several compared, of claims, and of all of them.
COMPARISON, ORDER, POOLED = "comparison.csv", "order.csv", "pooled.csv"
CLAIMS = "claims.csv"
INDEX = "index.html"
