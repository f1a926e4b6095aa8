#!/usr/bin/env python3
"""data.py FOLDER: the query files and the servers' data, the same on every machine."""
import os, random, sys

folder = sys.argv[1]
LOCAL, WARM, COLD, COLD_FILES, MILLION = 10_000, 1_000, 1_000_000, 4, 1_000_000
SOA = "@ 3600 IN SOA ns.%s. host.%s. 1 3600 600 86400 60\n@ 3600 IN NS ns.%s.\nns 3600 IN A 127.0.0.1\n"
random.seed(1)


def write(name, lines):
    with open(os.path.join(folder, name), "w") as f:
        f.writelines(lines)


def shuffled(items):
    items = list(items)
    random.shuffle(items)
    return items


def address(index):
    return "10.1.%d.%d" % (index // 256, index % 256)


local = ["svc-%05d.mesh.internal" % i for i in range(LOCAL)]
order = shuffled(local)
write("hits.txt", (n + " A\n" for n in order))
write("nodata.txt", (n + " AAAA\n" for n in order))
write("nxdomain.txt", ("no-" + n + " A\n" for n in order))
write("million.txt", ("svc-%05d.mesh.internal A\n" % i for i in shuffled(range(MILLION))))
write("warm.txt", ("host-%04d.up.test A\n" % i for i in shuffled(list(range(WARM)) * 10)))
for part in range(COLD_FILES):  # each run takes another file, so that no name is asked twice
    write("cold.%d.txt" % part, ("u-%07d.dyn.up.test A\n" % i for i in shuffled(range(part * COLD, (part + 1) * COLD))))
write("dead.txt", ("d-%07d.dead.test A\n" % i for i in range(COLD)))
write("mesh.hosts", ("%s %s\n" % (address(i), n) for i, n in enumerate(local)))
write("mesh.internal.zone", ["$ORIGIN mesh.internal.\n" + SOA % (("mesh.internal",) * 3)] + ["%s. 30 IN A %s\n" % (n, address(i)) for i, n in enumerate(local)])
write("mesh.unbound", ['local-zone: "mesh.internal." static\n'] + ['local-data: "%s. 30 IN A %s"\n' % (n, address(i)) for i, n in enumerate(local)])
write("up.test.zone", ["$ORIGIN up.test.\n" + SOA % (("up.test",) * 3)] + ["host-%04d 3600 IN A 10.9.%d.%d\n" % (i, i // 256, i % 256) for i in range(WARM)] + ["*.dyn 0 IN A 10.10.10.10\n"])
write("mesh.yaml", (
    "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: svc-%05d}\nspec:\n  hosts: [%s]\n  addresses: [%s]\n"
    "  ports: [{number: 80, name: http, protocol: HTTP}]\n  resolution: STATIC\n" % (i, n, address(i)) for i, n in enumerate(local)))
write("complete", ["yes\n"])
