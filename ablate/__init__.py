"""Architecture search and ablation of residual networks, with the evidence."""

__version__ = "0.1.0"
