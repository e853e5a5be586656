"""Files of flow networks with the weights they begin training with, as their projects publish them."""

from pathlib import Path

import torch

from densewalk.ssl.flow.raft import Raft
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.released import _our_names

__all__ = ["write_untrained"]


def write_untrained(folder: Path) -> dict[str, str]:
    """Write RAFT and GMFlow, the same every time; return what a flow estimator of each is called."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        raft, gmflow = Raft(), GMFlow(GMFlowConfig())
    theirs = {ours: name for name, ours in _our_names(6).items()}
    torch.save(raft.state_dict(), folder / "raft.pth")
    torch.save({"model": {theirs.get(name, name): t for name, t in gmflow.state_dict().items()}}, folder / "gmflow.pth")
    return {"RAFT": f"raft:{folder / 'raft.pth'}", "GMFlow": f"subject:gmrw:{folder / 'gmflow.pth'}"}
