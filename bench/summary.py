#!/usr/bin/env python3
"""summary.py RESULTS: a table for each workload, with the ratios of CPU a query to the servers measured first."""
import json, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
for workload in dict.fromkeys(r["work"] for r in rows):
    measured = [r for r in rows if r["work"] == workload]
    references = [r for r in measured if not r["name"].startswith("meshdns")][:3]
    head = ["server", "us/q", "q/s", "user"] + ["to " + r["name"] for r in references] + ["us/q at 5k", "p50", "p99", "p99.9", "at 80 %: p50", "p99", "p99.9", "idle ms/s", "MB", "lost", "other"]
    print("\n%s\n| %s |\n|%s" % (workload, " | ".join(head), "---|" * len(head)))
    for r in measured:
        load, low, high = r["load"], r.get("lat") or {}, r.get("high") or {}

        def number(of, key, form="%.0f"):
            return form % of[key] if key in of else "-"

        cells = [r["name"], "%.2f" % load["us"], "%.0f" % load["qps"], "%.0f %%" % (load["user"] * 100)]
        cells += ["%.2f" % (load["us"] / ref["load"]["us"]) for ref in references]
        cells += [number(low, "us", "%.1f")] + [number(low, k) for k in ("p50", "p99", "p999")] + [number(high, k) for k in ("p50", "p99", "p999")]
        lost = sum(r[p]["lost"] + r[p]["bad"] for p in ("load", "lat", "high") if r.get(p))
        cells += [number(r, "idle", "%.2f"), "%d" % r["rss"], "%d" % lost, "%.0f %%" % (load["other"] * 100)]
        print("| " + " | ".join(cells) + " |")
        if "before" in r:
            print("\nHits at 50,000 q/s with no miss, then beside misses: us/q %.2f and %.2f, p50 %.0f and %.0f, p99 %.0f and %.0f us" % (
                r["before"]["us"], low["us"], r["before"]["p50"], low["p50"], r["before"]["p99"], low["p99"]))
