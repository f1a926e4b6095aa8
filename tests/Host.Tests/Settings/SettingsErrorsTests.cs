namespace MeshDns.Host.Tests.Settings;

public sealed class SettingsErrorsTests : IDisposable
{
    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("meshdns {\n  dns {\n    tll = 5s\n  }\n}", 3, 5, "meshdns.dns.tll: unknown key; did you mean meshdns.dns.ttl?")]
    [InlineData("dns.ttl = 5s", 1, 1, "dns: unknown key")]
    [InlineData("meshdns.negative-ttl = 5s", 1, 1, "meshdns.negative-ttl: unknown key; did you mean meshdns.dns.negative-ttl?")]
    [InlineData("meshdns.journal.sotre = sqlite", 1, 1, "meshdns.journal.sotre: unknown key; did you mean meshdns.journal.store?")]
    [InlineData("meshdns.frobnicate = 1", 1, 1, "meshdns.frobnicate: unknown key")]
    [InlineData("meshdns.dns = 5", 1, 15, "meshdns.dns: is a section, dns { ... }, not text")]
    [InlineData("meshdns = []", 1, 11, "meshdns: is a section, meshdns { ... }, not a list")]
    [InlineData("meshdns.dns.ttl = null", 1, 19, "meshdns.dns.ttl: is null; leave the key out to get its default")]
    [InlineData("meshdns.dns.ttl { x = 1 }", 1, 17, "meshdns.dns.ttl: must be a duration from 1s to 24h in whole seconds, such as \"24h\" (ms, s, m, h, d; no unit: ms), not an object")]
    [InlineData("meshdns.dns.ttl = soon", 1, 19, "meshdns.dns.ttl: must be a duration from 1s to 24h in whole seconds, such as \"24h\" (ms, s, m, h, d; no unit: ms); got \"soon\"")]
    [InlineData("meshdns.dns.ttl = 1500ms", 1, 19, "meshdns.dns.ttl: must be a duration from 1s to 24h in whole seconds")]
    [InlineData("meshdns.dns.ttl = 0s", 1, 19, "meshdns.dns.ttl: must be a duration")]
    [InlineData("meshdns.dns.not-ready = maybe", 1, 25, "meshdns.dns.not-ready: must be forward or servfail; got \"maybe\"")]
    [InlineData("meshdns.dns.capture = perhaps", 1, 23, "meshdns.dns.capture: must be on or off (true, yes; false, no); got \"perhaps\"")]
    [InlineData("meshdns.dns.listen = [\"127.0.0.1:53\",\n \"localhost:53\"]", 2, 2, "meshdns.dns.listen: must be an endpoint IP:PORT, [IPV6]:PORT; got \"localhost:53\"")]
    [InlineData("meshdns.dns.listen = [127.0.0.1]", 1, 23, "meshdns.dns.listen: must be an endpoint IP:PORT, [IPV6]:PORT; got \"127.0.0.1\"")]
    [InlineData("meshdns.dns.listen = [\"::1:53\"]", 1, 23, "meshdns.dns.listen: must be an endpoint")]
    [InlineData("meshdns.dns.listen = [\"127.1:53\"]", 1, 23, "meshdns.dns.listen: must be an endpoint")]
    [InlineData("meshdns.dns.listen = [\"127.0.0.1:65536\"]", 1, 23, "meshdns.dns.listen: must be an endpoint")]
    [InlineData("meshdns.dns.listen = []", 1, 22, "meshdns.dns.listen: must be a list of 1 to 64 endpoints (IP:PORT or [IPV6]:PORT); got 0")]
    [InlineData("meshdns.dns.listen { a = 1 }", 1, 20, "meshdns.dns.listen: must be a list of endpoints (IP:PORT or [IPV6]:PORT), not an object")]
    [InlineData("meshdns.dns.listen = [\"127.0.0.1:53\", \"127.0.0.1:53\"]", 1, 22, "meshdns.dns.listen: names 127.0.0.1:53 twice")]
    [InlineData("meshdns.node.roles = [owner, queen]", 1, 30, "meshdns.node.roles: must be owner or edge or gateway; got \"queen\"")]
    [InlineData("meshdns.node.roles = [owner, owner]", 1, 22, "meshdns.node.roles: names a role twice")]
    [InlineData("meshdns.node.roles = []", 1, 22, "meshdns.node.roles: must be a list of 1 to 3 roles")]
    [InlineData("meshdns.node.name = \"a b\"", 1, 21, "meshdns.node.name: must be empty (the host's name) or up to 253 letters")]
    [InlineData("meshdns.node.data-dir = \"\"", 1, 25, "meshdns.node.data-dir: must be a path of 1 to 4096 characters; got \"\"")]
    [InlineData("meshdns.mesh.zones = [\"a..b\"]", 1, 23, "meshdns.mesh.zones: must be a domain name such as cluster.local")]
    [InlineData("meshdns.mesh.zones = [localhost]", 1, 23, "meshdns.mesh.zones: must not be localhost, whose answers RFC 6761 fixes")]
    [InlineData("meshdns.mesh.cluster-domain = corp.Invalid", 1, 31, "meshdns.mesh.cluster-domain: must not be corp.invalid")]
    [InlineData("meshdns.upstream.servers = [\"9.9.9.9:0\"]", 1, 29, "meshdns.upstream.servers: must be an IP address (port 53) or an endpoint IP:PORT, [IPV6]:PORT; got \"9.9.9.9:0\"")]
    [InlineData("meshdns.upstream.servers = [dns.quad9.net]", 1, 29, "meshdns.upstream.servers: must be an IP address")]
    [InlineData("meshdns.upstream.routes {\n corp.example = [10.0.0.1]\n}", 2, 2, "meshdns.upstream.routes: must be an object { \"SUFFIX\" = [SERVERS], ... }; a suffix with dots needs its quotes")]
    [InlineData("meshdns.upstream.routes {\n a = []\n}", 2, 6, "meshdns.upstream.routes: must be a list of 1 to 32 resolvers")]
    [InlineData("meshdns.upstream.routes {\n a = [1.1.1.1]\n A = [2.2.2.2]\n}", 3, 2, "meshdns.upstream.routes: names the suffix \"a\" twice")]
    [InlineData("meshdns.upstream.routes = [1]", 1, 27, "meshdns.upstream.routes: must be an object { \"SUFFIX\" = [SERVERS], ... }, not a list")]
    [InlineData("meshdns.upstream.timeout = 0", 1, 28, "meshdns.upstream.timeout: must be a duration from 100ms to 1m")]
    [InlineData("meshdns.upstream.cache-size = 5k", 1, 31, "meshdns.upstream.cache-size: must be a size from 1MiB to 65536MiB")]
    [InlineData("meshdns.admin.listen = \"0.0.0.0:80\"", 1, 24, "meshdns.admin.listen: reaches beyond loopback, so admin.token must be set")]
    [InlineData("meshdns.admin.token = \"a b\"", 1, 23, "meshdns.admin.token: must be printable ASCII without spaces (the value is not shown)")]
    [InlineData("meshdns.cluster.listen = \"127.0.0.1:1\"", 1, 26, "meshdns.cluster.listen: needs cluster.secret or cluster.tls")]
    [InlineData("meshdns.cluster.advertise = \"node:0\"", 1, 29, "meshdns.cluster.advertise: must be empty or HOST:PORT")]
    [InlineData("meshdns.cluster.advertise = \"0.0.0.0:1\"", 1, 29, "meshdns.cluster.advertise: must be empty or HOST:PORT")]
    [InlineData("meshdns.cluster.advertise = \"10.0.0:1\"", 1, 29, "meshdns.cluster.advertise: must be empty or HOST:PORT")]
    [InlineData("meshdns.cluster.secret = fifteen-chars-x", 1, 26, "meshdns.cluster.secret: must have at least 16 characters, best random ones (the value is not shown)")]
    [InlineData("meshdns.cluster { listen = \"0.0.0.0:1\", secret = sixteen-chars-xx }", 1, 28, "meshdns.cluster.listen: is a wildcard address, so cluster.advertise must say")]
    [InlineData("meshdns.cluster { listen = \"127.0.0.1:1\", secret = sixteen-chars-xx }", 1, 28, "meshdns.cluster.listen: a cluster needs journal.store = postgres")]
    [InlineData("meshdns.cluster { join = [\"a:1\"], secret = sixteen-chars-xx }", 1, 26, "meshdns.cluster.join: is for nodes without the role owner")]
    [InlineData("meshdns { node.roles = [edge], cluster.join = [\"a:1\"] }", 1, 47, "meshdns.cluster.join: needs cluster.secret or cluster.tls")]
    [InlineData("meshdns { node.roles = [edge], cluster { join = [\"a\"], secret = sixteen-chars-xx } }", 1, 50, "meshdns.cluster.join: must be HOST:PORT")]
    [InlineData("meshdns { node.roles = [edge], cluster { join = [\"a:1\"], secret = sixteen-chars-xx }, journal { store = postgres, connection-string = x } }", 1, 49, "meshdns.cluster.join: is for nodes without a database")]
    [InlineData("meshdns.node.roles = [edge]", 0, 0, "meshdns.cluster.join: must name owners' feeds")]
    [InlineData("meshdns { node.roles = [edge], journal { store = postgres, connection-string = x } }", 1, 50, "meshdns.journal.store: postgres is for owners")]
    [InlineData("meshdns { node.roles = [edge], cluster { listen = \"127.0.0.1:1\", join = [\"a:1\"], secret = sixteen-chars-xx } }", 1, 51, "meshdns.cluster.listen: is for owners: nobody connects to a node without the role owner")]
    [InlineData("meshdns { node.roles = [edge], cluster { feed = \"127.0.0.1:1\", join = [\"a:1\"], secret = sixteen-chars-xx } }", 1, 49, "meshdns.cluster.feed: is for owners")]
    [InlineData("meshdns { cluster { feed = \"127.0.0.1:1\", secret = sixteen-chars-xx }, journal { store = postgres, connection-string = x } }", 1, 28, "meshdns.cluster.feed: needs cluster.listen")]
    [InlineData("meshdns { cluster { listen = \"127.0.0.1:1\", feed = \"0.0.0.0:1\", secret = sixteen-chars-xx }, journal { store = postgres, connection-string = x } }", 1, 52, "meshdns.cluster.feed: is a wildcard address, so cluster.advertise-feed must say")]
    [InlineData("meshdns.cluster.tls.key = k", 1, 27, "meshdns.cluster.tls.key: needs cluster.tls.certificate")]
    [InlineData("meshdns.cluster.heartbeat = 2s", 0, 0, "meshdns.cluster.lease: must be at least 3 x cluster.heartbeat, 6s; got 5s")]
    [InlineData("meshdns.cluster.shards = 0", 1, 26, "meshdns.cluster.shards: must be a whole number from 1 to 1024; got \"0\"")]
    [InlineData("meshdns.cluster.shards = 1025", 1, 26, "meshdns.cluster.shards: must be a whole number")]
    [InlineData("meshdns.journal.store = oracle", 1, 25, "meshdns.journal.store: must be sqlite or postgres; got \"oracle\"")]
    [InlineData("meshdns.journal.store = postgres", 1, 25, "meshdns.journal.store: is postgres, so journal.connection-string must be set")]
    [InlineData("meshdns.journal.keep = 9999", 1, 24, "meshdns.journal.keep: must be all or a whole number from 10000 to 1000000000000; got \"9999\"")]
    [InlineData("meshdns.journal.keep = 1000000000001", 1, 24, "meshdns.journal.keep: must be all or a whole number")]
    [InlineData("meshdns.journal.keep = 30d", 1, 24, "meshdns.journal.keep: must be all or a whole number")]
    [InlineData("meshdns.journal.keep = everything", 1, 24, "meshdns.journal.keep: must be all or a whole number")]
    [InlineData("meshdns.journal.keep = [1]", 1, 24, "meshdns.journal.keep: must be all or a whole number from 10000 to 1000000000000, not a list")]
    [InlineData("meshdns.vips.ipv4 = \"240.0.0.0/8\"", 1, 21, "meshdns.vips.ipv4: must be an IPv4 network ADDRESS/PREFIX with a prefix from /16 to /30; got \"240.0.0.0/8\"")]
    [InlineData("meshdns.vips.ipv4 = \"240.240.0.0/31\"", 1, 21, "meshdns.vips.ipv4: must be an IPv4 network")]
    [InlineData("meshdns.vips.ipv4 = \"240.240.0.1/16\"", 1, 21, "meshdns.vips.ipv4: must be an IPv4 network ADDRESS/PREFIX with a prefix from /16 to /30; \"240.240.0.1/16\" has bits set beyond its prefix")]
    [InlineData("meshdns.vips.ipv4 = \"2001:2::/48\"", 1, 21, "meshdns.vips.ipv4: must be an IPv4 network")]
    [InlineData("meshdns.vips.ipv6 = \"2001:2::/113\"", 1, 21, "meshdns.vips.ipv6: must be an IPv6 network ADDRESS/PREFIX with a prefix from /16 to /112")]
    [InlineData("meshdns.vips.quarantine = 119s", 1, 27, "meshdns.vips.quarantine: must be at least 4 x dns.ttl, 2m; got 119s")]
    [InlineData("meshdns.directory.max-age = 24h", 1, 29, "meshdns.directory.max-age: must be at most vips.quarantine - 2 x dns.ttl, 1439m; got 24h")]
    [InlineData("meshdns.directory.max-age = never", 1, 29, "meshdns.directory.max-age: must be auto or a duration")]
    [InlineData("meshdns.clients = [{ namespace = a }]", 1, 20, "meshdns.clients: a client needs the field cidr")]
    [InlineData("meshdns.clients = [{ cidr = \"10.0.0.0/8\", nmespace = a }]", 1, 43, "meshdns.clients: unknown field \"nmespace\"; a client has cidr, namespace and capture")]
    [InlineData("meshdns.clients = [{ cidr = \"10.0.0.0/33\" }]", 1, 29, "meshdns.clients: must be a network ADDRESS/PREFIX; got \"10.0.0.0/33\"")]
    [InlineData("meshdns.clients = [{ cidr = \"10.0.0.0/8\", namespace = A }]", 1, 55, "meshdns.clients: must be a namespace")]
    [InlineData("meshdns.clients = [{ cidr = \"::/0\" }, { cidr = \"::/0\" }]", 1, 19, "meshdns.clients: names the network ::/0 twice")]
    [InlineData("meshdns.clients = [x]", 1, 20, "meshdns.clients: must be a list of { cidr = NETWORK, namespace = NAME, capture = on or off }; an element is text")]
    [InlineData("meshdns.clients = x", 1, 19, "meshdns.clients: must be a list of { cidr = NETWORK, namespace = NAME, capture = on or off }, not text")]
    [InlineData("meshdns.sources.kubernetes = on", 1, 30, "meshdns.sources.kubernetes: must be off, in-cluster or the path")]
    [InlineData("meshdns.telemetry.otlp.endpoint = \"collector:4318\"", 1, 35, "meshdns.telemetry.otlp.endpoint: must be empty or a URL")]
    [InlineData("meshdns.telemetry.otlp.endpoint = \"http://me:secret@collector:4318\"", 1, 35, "meshdns.telemetry.otlp.endpoint: must be empty or a URL")]
    [InlineData("meshdns.gateway.enabled = 2", 1, 27, "meshdns.gateway.enabled: must be on or off")]
    [InlineData("meshdns.dns.ttl = ${nowhere}", 1, 19, "${nowhere} is defined neither here nor in the environment")]
    [InlineData("meshdns {", 1, 10, "the '}' that ends this is missing")]
    public void Each_is_refused_where_it_stands(string text, int line, int column, string message)
    {
        var file = _files.Write("bad.conf", text);
        var error = Assert.Single(Load.Refused(Load.Everything(file, [])));
        // A rule that joins two keys is blamed on the one that it limits, which may stand in reference.conf.
        var expected = line > 0 ? $"{file}:{line}:{column}: {message}" : message;
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_reported_at_once()
    {
        var file = _files.Write("bad.conf", "meshdns.dns { ttl = x, tll = 1 }\nmeshdns.vips.quarantine = 1s\nmeshdns.node.roles = [a, b]\nmeshdns.mesh.zones = [${none}]\n");
        var errors = Load.Refused(Load.Everything(file, ["upstream.timeout=x", "cluster.lease=1s", "nothing=1"], ("MESHDNS_ADMIN_LISTEN", "x")));
        Assert.Equal(9, errors.Length);
        Assert.Equal(5, errors.Count(error => error.StartsWith(file, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_broken_text_does_not_hide_another()
        => Assert.Equal(3, Load.Refused(Load.Everything(_files.Write("bad.conf", "a = ["), ["dns.ttl", "dns.listen=[::1]:53"])).Length);

    [Theory]
    [InlineData("dns.tll=1s", "--set dns.tll: meshdns.dns.tll: unknown key; did you mean meshdns.dns.ttl?")]
    [InlineData("meshdns.dns.ttl=1s", "--set meshdns.dns.ttl: meshdns.meshdns: unknown key")]
    [InlineData("dns.ttl=x", "--set dns.ttl: meshdns.dns.ttl: must be a duration")]
    [InlineData("dns.ttl", "--set: expected '=' after the key, as in --set dns.ttl=10s, found the end of the text")]
    [InlineData("=1", "--set: expected a key, found '='")]
    [InlineData("", "--set: expected a key, found the end of the text")]
    [InlineData("dns.listen=[::1]:53", "--set dns.listen: expected a value, found ':' (a value that begins with [, { or \" is HOCON; an address in brackets needs quotes)")]
    [InlineData("dns.listen=\"a\" b = c", "--set dns.listen: expected the end of the value, found '='")]
    [InlineData("dns.ttl={ include \"x\" }", "--set dns.ttl: include works in files only")]
    public void Set_arguments_name_themselves(string argument, string message)
        => Assert.StartsWith(message, Assert.Single(Load.RefusedSet(argument)), StringComparison.Ordinal);

    [Theory]
    [InlineData("MESHDNS_DNS_TTL", "x", "env MESHDNS_DNS_TTL: meshdns.dns.ttl: must be a duration")]
    [InlineData("MESHDNS_DNS_LISTEN", "127.0.0.1:53,x", "env MESHDNS_DNS_LISTEN: meshdns.dns.listen: must be an endpoint IP:PORT, [IPV6]:PORT; got \"x\"")]
    [InlineData("MESHDNS_CLIENTS", "[{", "env MESHDNS_CLIENTS: meshdns.clients: the '}' that ends this is missing")]
    public void Variables_name_themselves(string name, string value, string message)
        => Assert.StartsWith(message, Assert.Single(Load.Refused(Load.Everything(null, [], (name, value)))), StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_refused()
        => Assert.Equal($"{_files.PathOf("none.conf")}: the file does not exist", Assert.Single(Load.Refused(Load.Everything(_files.PathOf("none.conf"), []))));

    [Fact]
    public void A_directory_or_a_binary_file_is_refused()
    {
        Assert.Contains("cannot be read", Assert.Single(Load.Refused(Load.Everything(Path.GetDirectoryName(_files.PathOf("x"))!, []))), StringComparison.Ordinal);
        Assert.Single(Load.Refused(Load.Everything(_files.Write("binary.conf", "\0\u0001\uFFFD"), [])));
    }

    [Fact]
    public void Errors_are_bounded()
    {
        var file = _files.Write("bad.conf", string.Join('\n', Enumerable.Range(0, 5_000).Select(i => $"meshdns.k{i} = 1")));
        Assert.Equal(200, Load.Refused(Load.Everything(file, [])).Length);
    }
}
