"""A simulated Ray cluster of a head and two nodes in a process of its own: `python nodes.py CPUS`.

Prints its address; `lose` on its input ends a node without grace, the end of its input ends the cluster.
"""

import sys

import ray.cluster_utils


def main() -> None:
    """Serve until the input ends."""
    cpus = int(sys.argv[1])
    options = {"include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = ray.cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **options})
    nodes = [cluster.add_node(num_cpus=cpus, object_store_memory=100 << 20) for _ in range(2)]
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "lose" and nodes:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print("lost", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
