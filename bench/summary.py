#!/usr/bin/env python3
"""summary.py RESULTS: a table for each workload: medians over the starts of a server, and the ratios of CPU a query to the servers measured first.

A ratio is the median of the ratios of the rounds: what drifts with the machine is the same for both servers of a round. With several starts the
least and the greatest stand beside the median.
"""
import json, statistics, sys

rows = [json.loads(line) for line in open(sys.argv[1])]


def median(starts, part, key):
    values = [s[part][key] for s in starts if key in (s.get(part) or {})]
    return statistics.median(values) if values else None


def ranged(values):
    text = "%.2f" % statistics.median(values) if values else "-"
    return text if len(values) < 2 else "%s (%.2f-%.2f)" % (text, min(values), max(values))


for workload in dict.fromkeys(r["work"] for r in rows):
    servers = {}
    for r in rows:
        if r["work"] == workload:
            servers.setdefault(r["name"], []).append(r)
    cost = {name: {s.get("round", 1): s["load"]["us"] for s in starts} for name, starts in servers.items()}
    references = [name for name in servers if not name.startswith("meshdns")][:3]
    head = ["server", "starts", "us/q", "q/s", "user"] + ["to " + name for name in references] + ["us/q at 5k", "p50", "p99", "p99.9", "at 80 %: p50", "p99", "p99.9", "idle ms/s", "MB", "lost", "other"]
    print("\n%s\n| %s |\n|%s" % (workload, " | ".join(head), "---|" * len(head)))
    for name, starts in servers.items():

        def number(part, key, form="%.0f"):
            value = median(starts, part, key)
            return "-" if value is None else form % value

        cells = [name, "%d" % len(starts), ranged(list(cost[name].values())), number("load", "qps"), "%.0f %%" % (median(starts, "load", "user") * 100)]
        cells += [ranged([us / cost[ref][i] for i, us in cost[name].items() if i in cost[ref]]) for ref in references]
        cells += [number("lat", "us", "%.1f")] + [number(part, key) for part in ("lat", "high") for key in ("p50", "p99", "p999")]
        idle = [s["idle"] for s in starts if "idle" in s]
        lost = sum(s[p]["lost"] + s[p]["bad"] for s in starts for p in ("load", "lat", "high") if s.get(p))
        cells += ["%.2f" % statistics.median(idle) if idle else "-", "%d" % statistics.median(s["rss"] for s in starts), "%d" % lost, "%.0f %%" % (median(starts, "load", "other") * 100)]
        print("| " + " | ".join(cells) + " |")
        if "before" in starts[0]:
            print("\nHits at 50,000 q/s with no miss, then beside misses: us/q %s and %s, p50 %s and %s, p99 %s and %s us" % tuple(
                number(part, key, form) for key, form in (("us", "%.2f"), ("p50", "%.0f"), ("p99", "%.0f")) for part in ("before", "lat")))
