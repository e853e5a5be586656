"""Starting Ray quietly: a Ray of this machine's own, or a running cluster's."""

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["held_output", "start_ray"]

_ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
"""What a local Ray runs under unless the user says otherwise: no token file, no change of device masks, no chatter, and
workers that stand behind no other process."""


def start_ray(address: str | None = None, *, num_cpus: int | None = None, object_store_bytes: int = 256 << 20) -> bool:
    """Start or join a Ray unless one is there; return whether this call did, so that the caller ends it.

    `address` is a running cluster's; without one the environment's RAY_ADDRESS counts, otherwise a Ray of this machine
    starts, with `num_cpus` (default: what Ray finds) and `object_store_bytes` for rows in flight.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {}
    if address == "local":
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        options = {"num_cpus": num_cpus, "object_store_memory": object_store_bytes, "include_dashboard": False}
    import ray

    if ray.is_initialized():
        return False
    with _own_sigterm(), held_output():
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
    return True


@contextmanager
def held_output() -> Iterator[None]:
    """Hold back what Ray prints, its native code included, while it starts or stops; show it when the block raises."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    with tempfile.TemporaryFile() as said:
        for stream in kept:
            os.dup2(said.fileno(), stream)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)
            if failed:
                said.seek(0)
                os.write(2, said.read())


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this program's SIGTERM handler: `ray.init` sets one that ends the process without cleaning up."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
