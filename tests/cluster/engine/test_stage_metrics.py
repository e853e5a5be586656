"""What workers count reaches the metrics agent of their node, from where Prometheus gets it."""

import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from densewalk.cluster.engine import stage_metrics
from densewalk.cluster.engine.stage_metrics import publish
from densewalk.pipelines.tally import StageTally

_DELTA = {"decode": StageTally(taken=3, given=2, ended=Counter(failed=1), seconds=0.5)}
_SCRIPT = """
import sys, time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
import grpc, ray
from ray.cluster_utils import Cluster

class Agent(grpc.GenericRpcHandler):
    "Stands in for the metrics agent, which a Ray without its dashboard lacks."
    received = []

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, _: self.received.append(request) or b"")

server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Agent(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
head = {"metrics_agent_port": port, "num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
cluster = Cluster(initialize_head=True, head_node_args=head)
ray.init(address=cluster.address, log_to_driver=False)

@ray.remote
class Worker:
    def work(self):
        from densewalk.cluster.engine.stage_metrics import publish
        from densewalk.pipelines.tally import StageTally
        publish({"decode": StageTally(taken=3, given=2, ended=Counter(failed=1), seconds=0.5)})

worker = Worker.remote()
ray.get(worker.work.remote())
wanted = (b"densewalk_stage_taken_total", b"densewalk_stage_records_total", b"densewalk_stage_seconds_total", b"decode",
          b"outcome", b"given", b"failed")
deadline, missing = time.monotonic() + 40, set(wanted)
while missing and time.monotonic() < deadline:
    time.sleep(0.2)
    missing -= {word for word in missing if any(word in request for request in list(Agent.received))}
print("missing:", sorted(missing))
ray.shutdown()
cluster.shutdown()
server.stop(0)
"""


class _Meter:
    def __init__(self) -> None:
        self.total: Counter[tuple[str, ...]] = Counter()

    def inc(self, value: float, tags: dict[str, str]) -> None:
        assert value > 0, "Ray refuses to add nothing"
        self.total[tuple(tags.values())] += value


def test_what_is_published_adds_up_by_stage_and_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, records, seconds = _Meter(), _Meter(), _Meter()
    monkeypatch.setattr(stage_metrics, "_counters", lambda: (taken, records, seconds))
    publish(_DELTA)
    publish(_DELTA | {"shots": StageTally(given=1)})
    assert taken.total == {("decode",): 6}
    assert records.total == {("decode", "given"): 4, ("decode", "failed"): 2, ("shots", "given"): 1}
    assert seconds.total == {("decode",): 1.0}


@pytest.mark.ray
@pytest.mark.slow
def test_what_a_worker_counts_arrives_at_the_agent_of_its_node() -> None:
    environment: dict[str, Any] = os.environ | {"RAY_metrics_report_interval_ms": "500", "GRPC_VERBOSITY": "NONE"}
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.splitlines()[-1] == "missing: []"
