"""A child process that does not outlive its parent."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """Make this child process end at once when its parent does, however that ends."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
