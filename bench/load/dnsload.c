// dnsload: a light UDP DNS load generator (one busy thread, sendmmsg/recvmmsg), so that the server is the
// bottleneck even when it shares a two core machine with its client.
//   dnsload -p port -d file [-c sockets=8] [-w window per socket=32] [-l secs=5] [-Q rate (open loop)] [-t timeout ms=1000] [-s addr] [-o start] [-e (sleep when there is nothing to do)]
//   [-x (any rcode and no records are good: NODATA, NXDOMAIN, or a server whose upstream is dead)] [-W ms (the same of each window of so long too, by the time of sending; at most 64)]
// Output: one JSON line. Latency: from the sendmmsg call to the return of the recvmmsg that brought the answer.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#define VL 64
#define MAXW 1024
static inline uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
typedef struct { int fd, out; uint32_t head; uint64_t at[MAXW]; uint8_t used[MAXW]; uint16_t gen[MAXW]; uint16_t freeq[MAXW]; uint32_t fh, ft; } cl;
#define MAXWIN 64
typedef struct { uint64_t hist[64 * 32], most, cnt, lost, bad; double sum; } part;
static part all, parts[MAXWIN]; static uint64_t began, window;
static part* part_of(uint64_t at) { uint64_t i = (at - began) / window; return &parts[i < MAXWIN ? i : MAXWIN - 1]; }
static void rec(part* w, uint64_t ns) { // log-linear: 32 steps an octave
  w->sum += ns; w->cnt++; if (ns > w->most) w->most = ns; if (ns < 32) { w->hist[ns]++; return; }
  int e = 63 - __builtin_clzll(ns); w->hist[(e - 4) * 32 + ((ns >> (e - 5)) & 31)]++;
}
static double pct(part* w, double p) {
  uint64_t want = w->cnt * p, acc = 0; for (int i = 0; i < 64 * 32; i++) { acc += w->hist[i]; if (acc > want) { if (i < 32) return i; int e = i / 32 + 4; return (double)((32ull + i % 32) << (e - 5)); } } return 0; }
static void lose(uint64_t at) { all.lost++; if (window) part_of(at)->lost++; }
static void say(part* w) {
  printf("\"done\": %lu, \"lost\": %lu, \"bad\": %lu, \"avg\": %.1f, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f", w->cnt, w->lost, w->bad, w->cnt ? w->sum / w->cnt / 1000 : 0, pct(w, .5) / 1000, pct(w, .99) / 1000, pct(w, .999) / 1000, w->most / 1000.); }
int main(int ac, char** av) {
  int port = 0, C = 8, W = 32, L = 5, to = 1000; double rate = 0; const char *file = 0, *addr = "127.0.0.1"; long start = 0; int o, slp = 0, any = 0;
  while ((o = getopt(ac, av, "p:d:c:w:l:Q:t:s:o:exW:")) > 0) switch (o) { case 'p': port = atoi(optarg); break; case 'd': file = optarg; break; case 'c': C = atoi(optarg); break;
    case 'w': W = atoi(optarg); break; case 'l': L = atoi(optarg); break; case 'Q': rate = atof(optarg); break; case 't': to = atoi(optarg); break; case 's': addr = optarg; break; case 'e': slp = 1; break; case 'x': any = 1; break; case 'W': window = atoll(optarg) * 1000000ull; break; case 'o': start = atol(optarg); break; default: return 2; }
  if (!port || !file || W > MAXW) return 2;
  FILE* f = fopen(file, "r"); if (!f) { perror(file); return 2; }
  size_t n = 0, capq = 1 << 16; uint8_t(*q)[96] = malloc(capq * 96); uint8_t* ql = malloc(capq); char line[512];
  while (fgets(line, sizeof line, f)) {
    char name[256], type[16]; if (sscanf(line, "%255s %15s", name, type) != 2) continue;
    if (n == capq) { capq *= 2; q = realloc(q, capq * 96); ql = realloc(ql, capq); }
    uint8_t* p = q[n]; memcpy(p, "\0\0\1\0\0\1\0\0\0\0\0\0", 12); p += 12;
    for (char* s = name; *s;) { char* e = strchrnul(s, '.'); *p++ = e - s; memcpy(p, s, e - s); p += e - s; s = *e ? e + 1 : e; }
    *p++ = 0; *p++ = 0; *p++ = strcmp(type, "AAAA") ? 1 : 28; *p++ = 0; *p++ = 1; ql[n] = p - q[n]; n++;
  }
  fclose(f);
  cl* c = calloc(C, sizeof *c); struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) }; inet_aton(addr, &sa.sin_addr);
  for (int i = 0; i < C; i++) { c[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0); int b = 4 << 20; setsockopt(c[i].fd, SOL_SOCKET, SO_RCVBUF, &b, sizeof b);
    if (connect(c[i].fd, (void*)&sa, sizeof sa)) { perror("connect"); return 2; } for (int k = 0; k < W; k++) c[i].freeq[c[i].ft++] = k; }
  static struct mmsghdr sm[VL], rm[VL]; static struct iovec si[VL], ri[VL]; static uint8_t sb[VL][96], rb[VL][1500];
  for (int i = 0; i < VL; i++) { si[i].iov_base = sb[i]; ri[i].iov_base = rb[i]; ri[i].iov_len = 1500; sm[i].msg_hdr.msg_iov = &si[i]; sm[i].msg_hdr.msg_iovlen = 1; rm[i].msg_hdr.msg_iov = &ri[i]; rm[i].msg_hdr.msg_iovlen = 1; }
  uint64_t sent = 0, stray = 0, out = 0; size_t pos = start % n; uint64_t t0 = began = now(), end = t0 + L * 1000000000ull, t = t0, sweep = t0; int sending = 1;
  struct pollfd* pf = calloc(C, sizeof *pf); for (int i = 0; i < C; i++) { pf[i].fd = c[i].fd; pf[i].events = POLLIN; }
  while (sending || (out && t < end + to * 1000000ull)) {
    int moved = 0;
    for (int i = 0; i < C; i++) {
      cl* k = &c[i]; t = now(); if (t >= end) sending = 0;
      if (sending) {
        int m = 0; uint64_t allow = VL;
        if (rate > 0) { uint64_t due = (uint64_t)((t - t0) * 1e-9 * rate); allow = due > sent ? due - sent : 0; if (allow > 4) allow = 4; }
        uint16_t ids[VL];
        while (m < VL && m < (int)allow && k->fh != k->ft) {
          uint16_t s = k->freeq[k->fh++ % W]; ids[m] = s; memcpy(sb[m], q[pos], ql[pos]); si[m].iov_len = ql[pos]; if (++pos == n) pos = 0;
          uint16_t id = (k->gen[s] & 63) << 10 | s; sb[m][0] = id >> 8; sb[m][1] = id; m++;
        }
        if (m) {
          int r = sendmmsg(k->fd, sm, m, 0); if (r < 0) { if (errno == ECONNREFUSED) { fprintf(stderr, "refused\n"); return 1; } r = 0; }
          for (int j = 0; j < r; j++) { k->at[ids[j]] = t; k->used[ids[j]] = 1; }
          for (int j = m - 1; j >= r; j--) { k->freeq[--k->fh % W] = ids[j]; }
          if (r < m) pos = (pos + n - (m - r) % n) % n;
          sent += r; out += r; k->out += r; moved |= r > 0;
        }
      }
      if (k->out) {
        int r = recvmmsg(k->fd, rm, VL, MSG_DONTWAIT, 0);
        if (r > 0) { uint64_t t2 = now(); moved = 1;
          for (int j = 0; j < r; j++) { uint8_t* p = rb[j]; uint16_t id = p[0] << 8 | p[1], s = id & 1023;
            if (rm[j].msg_len < 12 || s >= W || !k->used[s] || (k->gen[s] & 63) != id >> 10) { stray++; continue; }
            int wrong = !(p[2] & 128) || (!any && ((p[3] & 15) || !(p[6] | p[7]))); all.bad += wrong; rec(&all, t2 - k->at[s]);
            if (window) { part* w = part_of(k->at[s]); w->bad += wrong; rec(w, t2 - k->at[s]); }
            k->used[s] = 0; k->gen[s]++; k->freeq[k->ft++ % W] = s; out--; k->out--; } }
      }
    }
    if (slp && !moved) {
      uint64_t w = 1000000; if (rate > 0 && sending && out < (uint64_t)C * W) { uint64_t due = t0 + (uint64_t)((sent + 1) / rate * 1e9), x = now(); w = due > x ? due - x : 0; if (w > 1000000) w = 1000000; }
      struct timespec ts = { 0, w }; ppoll(pf, C, &ts, 0);
    }
    if (t > sweep + 100000000ull) { sweep = t; for (int i = 0; i < C; i++) for (int s = 0; s < W; s++) if (c[i].used[s] && t > c[i].at[s] + to * 1000000ull) { c[i].used[s] = 0; c[i].gen[s]++; c[i].freeq[c[i].ft++ % W] = s; lose(c[i].at[s]); out--; c[i].out--; } }
  }
  for (int i = 0; i < C; i++) for (int j = 0; j < W; j++) if (c[i].used[j]) lose(c[i].at[j]);
  double secs = (t < end ? t - t0 : end - t0) / 1e9;
  printf("{\"qps\": %.0f, \"stray\": %lu, \"t\": %.3f, \"sent\": %lu, ", all.cnt / secs, stray, secs, sent); say(&all);
  if (window) { printf(", \"windows\": ["); for (uint64_t i = 0; i < MAXWIN && i * window < (uint64_t)L * 1000000000ull; i++) { printf(i ? ", {" : "{"); say(&parts[i]); printf("}"); } printf("]"); }
  printf("}\n");
}
