"""The workers of other machines."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from brainseg_utils.errors import BrainSegError


@contextmanager
def open_executor(dask: str = "") -> Iterator[Executor | None]:
    """Give the executor of a Dask cluster; None, this machine, without an address.

    Args:
        dask: Address of a Dask scheduler, such as `"tcp://10.0.0.5:8786"`.

    Raises:
        BrainSegError: `E-DASK` where Dask is not installed, or no scheduler answers.
    """
    if not dask:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        what, remedy = "is not installed.", "pip install distributed, then again."
        raise BrainSegError("E-DASK", "distributed", what, remedy) from None
    try:
        client = Client(dask, timeout="10s")
    except (OSError, ValueError) as error:
        what = f"no scheduler answers there: {error}."
        remedy = "Start one with `dask scheduler`, and give the address it prints."
        raise BrainSegError("E-DASK", dask, what, remedy) from error
    with client:
        # Not pure: equal arguments must run again where a record was lost.
        yield client.get_executor(pure=False)
