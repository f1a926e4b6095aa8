#!/usr/bin/env python3
"""measure.py [--quick] [--starts N] [--round R] --out FILE WORKLOAD SERVER: starts one server, loads it, prints and records CPU a query, queries a second and latency.

CPU is the scheduler's run time of the server's whole process tree over the run (user and system), divided by the answers of the run. The server has
CPU 0, the load generator and the upstream CPU 1, at a high priority, in a network namespace that has only loopback: no connection tracking.
A run during which other programs took more than 5 % of a core is made again, at most twice. Every number is the median of the runs.
"""
import argparse, json, os, re, resource, shutil, signal, socket, statistics, subprocess, sys, time
import servers

WORK, TICK = os.environ["MESHDNS_BENCH_WORK"], os.sysconf("SC_CLK_TCK")
args = argparse.ArgumentParser()
args.add_argument("--quick", action="store_true")
args.add_argument("--starts", type=int, default=1)
args.add_argument("--round", type=int, default=1)
args.add_argument("--out", required=True)
args.add_argument("workload")
args.add_argument("server")
args = args.parse_args()
if not os.environ.get("MESHDNS_BENCH_NAMESPACE"):
    os.environ["MESHDNS_BENCH_NAMESPACE"] = "yes"
    os.execvp("unshare", ["unshare", "-n", sys.executable] + sys.argv)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
os.chdir(WORK)
PORT, COMMAND = servers.WORKLOADS[args.workload][args.server]
# What is compiled while it runs needs some seconds of load before it is what it will be. Several starts say more than many runs of one.
RUNS, SECONDS, WARM, NOISE = (2, 2, 10, 0.05) if args.quick else (5 if args.starts == 1 else 2, 5, 15, 0.05)
CONNECTIONS = 10_000
FORWARDED = args.workload in ("warm", "cold")
LOAD = {"warm": "warm", "nodata": "nodata", "nxdomain": "nxdomain", "million": "million"}.get(args.workload, "hits")
if args.server == "edge-10k":
    LOAD = "hits"
cold_file = 0


def pinned(cpu, nice=-15):
    return ["nice", "-n", str(nice), "taskset", "-c", str(cpu)]


def tree(root):
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = open("/proc/%s/stat" % pid).read()
        except OSError:
            continue
        children.setdefault(int(stat[stat.rindex(")") + 2:].split()[1]), []).append(int(pid))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_seconds(pids):
    """By the scheduler for the threads that live, and in ticks for the whole processes, user and system."""
    run = user = system = 0
    for pid in pids:
        try:
            for task in os.listdir("/proc/%d/task" % pid):
                try:
                    run += int(open("/proc/%d/task/%s/schedstat" % (pid, task)).read().split()[0])
                except OSError:
                    pass
            stat = open("/proc/%d/stat" % pid).read()
            stat = stat[stat.rindex(")") + 2:].split()
            user, system = user + int(stat[11]), system + int(stat[12])
        except OSError:
            pass
    return run / 1e9, user / TICK, system / TICK


def used(before, after):
    # The scheduler's count of threads that ended meanwhile is lost; the ticks are not.
    return max(after[0] - before[0], after[1] + after[2] - before[1] - before[2])


def memory_mb(pids):
    lines = [line for pid in pids if os.path.exists("/proc/%d/status" % pid) for line in open("/proc/%d/status" % pid)]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


def machine_busy():
    fields = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


def client(command):
    process = subprocess.Popen(pinned(1) + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)
    return output, usage.ru_utime + usage.ru_stime


def queries():
    global cold_file
    if args.workload != "cold":
        return "data/%s.txt" % LOAD
    cold_file += 1
    return "data/cold.%d.txt" % (cold_file % 4)


def dnsload(seconds, *extra):
    # The upstream of a cold query shares the generator's core, so that it must sleep when it has nothing to do.
    more = ["-e"] * (args.workload in ("cold", "dead")) + ["-x"] * (args.workload in ("nodata", "nxdomain"))
    output, cpu = client(["bin/dnsload", "-p", str(PORT), "-d", queries(), "-c", "8", "-l", str(seconds), *extra, *more])
    try:
        return json.loads(output), cpu
    except ValueError:
        sys.exit("dnsload: " + output)


def dnsperf_tcp(seconds, *_):
    output, cpu = client(["dnsperf", "-m", "tcp", "-s", "127.0.0.1", "-p", str(PORT), "-d", queries(), "-c", "8", "-q", "200", "-l", str(seconds), "-t", "2"])

    def number(pattern):
        return float((re.search(pattern, output) or [0, "nan"])[1])

    done = number(r"Queries completed:\s+(\d+)")
    good = re.search(r"NOERROR (\d+)", output)
    return dict(qps=number(r"Queries per second:\s+([\d.]+)"), done=done, lost=number(r"Queries lost:\s+(\d+)"), bad=done - (int(good[1]) if good else 0),
                t=number(r"Run time \(s\):\s+([\d.]+)"), p50=number(r"Average Latency \(s\):\s+([\d.]+)") * 1e6, p99=0, p999=0), cpu


def measured(load, runs, seconds, *extra):
    rows = []
    for _ in range(runs):
        for attempt in range(3):
            pids, others = tree(server.pid), [p for u in beside for p in tree(u.pid)]
            cpu, busy, beside_cpu, begin = cpu_seconds(pids), machine_busy(), cpu_seconds(others)[0], time.time()
            row, client_cpu = load(seconds, *extra)
            now = cpu_seconds(pids)
            row["us"] = used(cpu, now) / max(1, row["done"]) * 1e6
            ticks = now[1] + now[2] - cpu[1] - cpu[2]
            row["user"] = (now[1] - cpu[1]) / ticks if ticks else 0
            row["other"] = max(0, machine_busy() - busy - (now[0] - cpu[0]) - client_cpu - (cpu_seconds(others)[0] - beside_cpu)) / (time.time() - begin)
            if row["other"] <= NOISE:
                break
        rows.append(row)
    result = {k: round(statistics.median(r[k] for r in rows), 3) for k in rows[0] if k not in ("lost", "bad")}
    result.update(lost=sum(r["lost"] for r in rows), bad=sum(r["bad"] for r in rows))
    return result


def answered():
    name = {"warm": "host-0007.up.test", "cold": "u-9999999.dyn.up.test"}.get(args.workload, "svc-00007.mesh.internal")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.3)
        asking.connect(("127.0.0.1", PORT))
        try:
            asking.send(ask(name)[2:])
            reply = asking.recv(4096)
        except OSError:
            return False
        return len(reply) > 12 and reply[3] & 15 == 0 and reply[7] >= 1


def ask(name):
    """A query for A, with the length before it that TCP wants."""
    query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0\0\1\0\1"
    return len(query).to_bytes(2, "big") + query


def hold(count):
    """Opens so many TCP connections, 100 from an address; each asks once, then once more when all are open. Returns the memory then, and what was answered."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    held, answers, query = [], 0, ask("svc-00007.mesh.internal")
    try:
        for i in range(count):
            held.append(socket.create_connection(("127.0.0.1", PORT), 5, ("127.1.%d.1" % (i // 100), 0)))
            held[-1].sendall(query)
            held[-1].settimeout(5)
        memory = 0
        for _ in range(2):
            for connection in held:
                try:
                    answers += len(connection.recv(4096)) > 12
                    connection.sendall(query)
                except OSError:
                    pass
            memory = max(memory, memory_mb(tree(server.pid)))
        return memory, answers
    finally:
        for connection in held:
            connection.close()


def idle(seconds):
    pids = tree(server.pid)
    before, begin = cpu_seconds(pids), time.time()
    time.sleep(seconds)
    return used(before, cpu_seconds(pids)) / (time.time() - begin) * 1e3


def start(command, cpu, nice, log):
    return subprocess.Popen(pinned(cpu, nice) + command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def stop(process):
    pids = tree(process.pid)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, sign)
            except OSError:
                pass
        for _ in range(50):
            process.poll()
            pids = [p for p in pids if os.path.exists("/proc/%d" % p) and p != process.pid or process.poll() is None]
            if not pids:
                return
            time.sleep(0.1)


shutil.rmtree("node", ignore_errors=True)
log_path = "results/%s.%s.log" % (args.workload, args.server)
log = open(log_path, "w")
beside, server = [], None
try:
    if FORWARDED:
        beside.append(start(["nsd", "-d", "-c", "conf/nsd-up.conf"], 1, -20, subprocess.DEVNULL))
        time.sleep(1)
    if args.workload == "dead":
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes everything, answers nothing
        silent.bind(("127.0.0.1", 5400))
    server = start(COMMAND.split(), 0, -15, log)
    for _ in range(300):
        if answered():
            break
        if server.poll() is not None:
            sys.exit("%s ended with %s, see %s" % (args.server, server.returncode, log_path))
        time.sleep(0.2)
    else:
        sys.exit("%s does not answer, see %s" % (args.server, log_path))
    dnsload(WARM, "-w", "16")
    time.sleep(1)
    load = dnsperf_tcp if args.workload == "tcp" else dnsload
    load(1, "-w", "16")
    if args.workload == "connections":
        empty = memory_mb(tree(server.pid))
        (open_memory, answers), count = hold(CONNECTIONS), CONNECTIONS
        print("%s %s: %d MB, with %d connections %d MB, %d of %d queries answered" % (args.workload, args.server, empty, count, open_memory, answers, 2 * count), flush=True)
        sys.exit()
    if args.workload == "dead":
        before = measured(dnsload, RUNS, SECONDS, "-w", "16", "-Q", "50000")
        misses = ["bin/dnsload", "-p", str(PORT), "-d", "data/dead.txt", "-c", "4", "-w", "1024", "-l", "600", "-Q", "2000", "-e", "-x"]
        beside.append(start(misses, 1, -15, subprocess.DEVNULL))
        time.sleep(5)
    result = dict(name=args.server, work=args.workload, round=args.round, load=measured(load, RUNS, SECONDS, "-w", "16"))
    if args.workload == "dead":
        result["before"], result["lat"] = before, measured(dnsload, RUNS, SECONDS, "-w", "16", "-Q", "50000")
    elif args.workload != "tcp":
        result["lat"] = measured(dnsload, max(1, RUNS // 2), SECONDS, "-w", "64", "-Q", "5000")
        result["high"] = measured(dnsload, max(1, RUNS // 2), SECONDS, "-w", "64", "-Q", str(int(result["load"]["qps"] * 0.8)))
        time.sleep(1)
        result["idle"] = round(idle(SECONDS), 3)
    result["rss"] = memory_mb(tree(server.pid))
    v = result["load"]
    print("%-8s %-14s %7d q/s %6.2f us/q (user %d%%) p50 %d p99 %d us, other %d%%, lost %d bad %d" % (
        args.workload, args.server, v["qps"], v["us"], v["user"] * 100, v["p50"], v["p99"], v["other"] * 100, v["lost"], v["bad"]), flush=True)
    open(args.out, "a").write(json.dumps(result) + "\n")
finally:
    for process in [server] + beside:
        if process:
            stop(process)
    log.close()
    if server and args.server.startswith("edge"):
        print(open(log_path).read(), end="", flush=True)
