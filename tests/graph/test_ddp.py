"""Two processes under torchrun share the edges of a loader."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_two_processes_with_uneven_edges_end_with_the_same_weights() -> None:
    worker = Path(__file__).with_name("ddp_worker.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(worker)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("drop_last")]
    both, dropped = ([line for line in lines if line.startswith(f"drop_last={value}")] for value in (False, True))
    assert len(both) == len(dropped) == 2
    assert both[0] == both[1]
    assert dropped[0] == dropped[1]
    assert "batches=5" in both[0]  # 257 edges are 129 a process, in batches of 32
    assert "batches=4" in dropped[0]
