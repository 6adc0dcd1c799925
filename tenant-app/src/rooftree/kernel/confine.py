"""Begins a worker within its limits: `python -m rooftree.kernel.confine <bytes> <seconds> <module> …`.

Run by `kernel.workers`. Limits are set before anything of the worker loads: no files, little memory, little time, and
that after whoever waits for an answer. Imports nothing of ours.
"""

import os
import resource
import runpy
import sys


def confine(*, data_bytes: int, cpu_seconds: int) -> None:
    os.nice(10)
    for kind, most in (
        (resource.RLIMIT_DATA, data_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def main() -> None:
    data_bytes, cpu_seconds, module = sys.argv[1:4]
    confine(data_bytes=int(data_bytes), cpu_seconds=int(cpu_seconds))
    del sys.argv[:3]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
