"""What several tests share: studies, tables, networks, servers, a browser."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLISHED = ROOT / "results" / "published"
