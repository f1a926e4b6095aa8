#!/usr/bin/env python3
"""servers.py [WORKLOAD [SERVER ...]]: which servers a workload measures, in what order; without arguments everything there is.

A server is (port, command); commands run in the work folder. Every workload begins with the servers that the ratios are to.
"""
import os, shutil, sys

WORK = os.environ.get("MESHDNS_BENCH_WORK", "")
NODE = ("dotnet %s run --set node.data-dir=%s/node --set dns.listen=127.0.0.1:5350 --set admin.listen=127.0.0.1:5351 --set upstream.servers=127.0.0.1:5400 "
        "--set mesh.zones=mesh.internal --set sources.manifests=[\"%s/data/mesh.yaml\"]") % (os.environ.get("MESHDNS_BENCH_PROGRAM", ""), WORK, WORK)
# Another build of the node, say of the commit before, to be measured in the same rounds.
BEFORE = os.environ.get("MESHDNS_BENCH_BEFORE", "")
RESPONDER = "dotnet bin/responder/responder.dll 5331 data/mesh.hosts"
EDGE = "dotnet bin/edge/MeshDns.Bench.Edge.dll serve 5332 "
LOCAL = {
    "nsd": (5302, "nsd -d -c conf/nsd-w1.conf"),
    "unbound": (5301, "unbound -d -c conf/unbound-w1.conf"),
    "responder": (5331, RESPONDER),
    "meshdns": (5350, NODE),
    "knot": (5303, "knotd -c conf/knot-w1.conf"),
    "dnsdist-spoof": (5307, "dnsdist --supervised --disable-syslog -C conf/dnsdist-spoof.conf"),
    "named": (5304, "named -g -n 1 -c conf/named-w1.conf"),
    "dnsmasq": (5305, "dnsmasq -C conf/dnsmasq-w1.conf"),
}
FORWARD = {
    "unbound": (5311, "unbound -d -c conf/unbound-w2.conf"),
    "dnsdist": (5316, "dnsdist --supervised --disable-syslog -C conf/dnsdist-w2.conf"),
    "meshdns": (5350, NODE),
    "named": (5314, "named -g -n 1 -c conf/named-w2.conf"),
    "dnsmasq": (5315, "dnsmasq -C conf/dnsmasq-w2.conf"),
}
# Debian has no package of it: measured where somebody has put it.
if shutil.which("coredns"):
    LOCAL["coredns"] = (5306, "coredns -conf conf/coredns-w1.conf")
    FORWARD["coredns"] = (5317, "coredns -conf conf/coredns-w2.conf")
if BEFORE:
    LOCAL["meshdns-before"] = FORWARD["meshdns-before"] = (5350, NODE.replace(os.environ.get("MESHDNS_BENCH_PROGRAM", ""), BEFORE))


def only(servers, *names):
    return {n: servers[n] for n in names if n in servers}


WORKLOADS = {
    "hits": LOCAL,
    "nodata": only(LOCAL, "nsd", "unbound", "meshdns", "knot"),
    "nxdomain": only(LOCAL, "nsd", "unbound", "meshdns", "knot"),
    "tcp": only(LOCAL, "nsd", "unbound", "meshdns", "meshdns-before"),
    "million": {"edge-10k": (5332, EDGE + "10000 0"), "edge-1m": (5332, EDGE + "1000000 0"), "edge-1m-churn": (5332, EDGE + "1000000 1000")},
    "churn": {"edge-still": (5332, EDGE + "10000 0"), "edge-churn": (5332, EDGE + "10000 1000")},
    "warm": FORWARD,
    "cold": FORWARD,
    "dead": only(LOCAL, "meshdns"),
    "connections": only(LOCAL, "meshdns"),
}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        for workload, servers in WORKLOADS.items():
            print("%-10s %s" % (workload, " ".join(servers)))
    elif sys.argv[1] not in WORKLOADS:
        sys.exit("bench: no workload %s; there are: %s" % (sys.argv[1], " ".join(WORKLOADS)))
    else:
        print("\n".join(n for n in WORKLOADS[sys.argv[1]] if len(sys.argv) == 2 or n in sys.argv[2:]))
