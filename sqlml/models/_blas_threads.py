"""One thread for small matrix products.

A product of a few thousand rows takes about a millisecond. Sharing it between threads wins little on an idle machine, costs a factor of ten
on a busy one (the threads wait for each other by spinning: 1.7 s became 20 s), and lets the number of threads into the last bits of a sum.
The other processors read and encode rows meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_users = 0
_limit: Any = None


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """While any block of this kind runs, BLAS works with one thread; the last one to end restores what was before."""
    import scipy.linalg  # noqa: F401 - it brings a BLAS of its own, which has to be there to be limited
    from threadpoolctl import threadpool_limits

    global _users, _limit  # noqa: PLW0603 - the number of threads is global to the process as well
    with _lock:
        if _users == 0:
            _limit = threadpool_limits(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit.restore_original_limits()
                _limit = None
