using System.Globalization;
using System.Text;
using Akka.Configuration;
using Akka.Persistence.Sql;

namespace MeshDns.Actors.Cluster;

/// <summary>Where a node listens for others, and as what they know it.</summary>
/// <param name="BindHost">An address of this machine.</param>
/// <param name="BindPort">0: any.</param>
/// <param name="PublicHost">The same for all others; null: as bound.</param>
/// <param name="PublicPort">Null: as bound.</param>
/// <param name="IsEncrypted">True with TLS; always beyond loopback.</param>
internal sealed record RemoteAddress(string BindHost, int BindPort, string? PublicHost, int? PublicPort, bool IsEncrypted);

/// <summary>
/// Akka's configuration: akka.conf line by line, what an operator overrides, and what follows from the node's own settings. No text of a user's file reaches Akka's parser but as a checked scalar: that parser can be
/// made to take all memory.
/// </summary>
internal static class AkkaSettings
{
    private const string Fixed = "# fixed";

    // What reads and writes bytes, what is made by name, and the journal: with all that is below.
    private static readonly string[] _fixedTrees =
    [
        "akka.actor.serializers", "akka.actor.serialization-bindings", "akka.actor.serialization-identifiers", "akka.actor.serialization-settings", "akka.extensions", "akka.persistence",
        "akka.remote.enabled-transports", "akka.remote.dot-netty.tcp.transport-class", "akka.remote.dot-netty.tcp.transport-protocol", "akka.remote.dot-netty.tcp.applied-adapters", "akka.remote.dot-netty.tcp.ssl",
    ];

    /// <summary>The keys that nobody overrides.</summary>
    public static IReadOnlySet<string> FixedKeys { get; } = Lines().Where(l => l.IsFixed).Select(l => l.Key).ToHashSet(StringComparer.Ordinal);

    /// <summary>Why an operator may not set a key to a value, as a sentence without the key; null when it may be.</summary>
    public static string? WhyNot(string key, string value) =>
        FixedKeys.Contains(key) || FixedKeys.Concat(_fixedTrees).Any(f => f.StartsWith(key + ".", StringComparison.Ordinal)) || _fixedTrees.Any(t => key == t || key.StartsWith(t + ".", StringComparison.Ordinal)) ? "a promise or the cluster's security rests on it, so it is fixed"
        : !key.StartsWith("akka.", StringComparison.Ordinal) || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') ? "it is no key of akka { }"
        : value.Any(char.IsControl) ? "its value has control characters"
        : null;

    /// <summary>The whole configuration.</summary>
    /// <param name="remote">Where it listens.</param>
    /// <param name="roles">The member's roles.</param>
    /// <param name="heartbeat"><c>cluster.heartbeat</c>.</param>
    /// <param name="lease"><c>cluster.lease</c>: after so long a silent node is taken for dead, about.</param>
    /// <param name="journal">The plugin's connection string and provider.</param>
    /// <param name="overrides">An operator's values by key; rendered as scalars.</param>
    /// <exception cref="ArgumentException">A key may not be overridden; see <see cref="WhyNot"/>.</exception>
    public static Config Of(RemoteAddress remote, IReadOnlyCollection<string> roles, TimeSpan heartbeat, TimeSpan lease, JournalPlugin journal, IReadOnlyDictionary<string, string> overrides)
    {
        var text = new StringBuilder();
        foreach (var line in Lines())
            if (!overrides.ContainsKey(line.Key)) Add(line.Key, line.Value);
        foreach (var (key, value) in overrides)
        {
            if (WhyNot(key, value) is { } whyNot) throw new ArgumentException($"{key}: {whyNot}", nameof(overrides));
            Add(key, Quoted(value));
        }
        Add("akka.remote.dot-netty.tcp.hostname", Quoted(remote.BindHost));
        Add("akka.remote.dot-netty.tcp.port", Number(remote.BindPort));
        if (remote.PublicHost is { } host) Add("akka.remote.dot-netty.tcp.public-hostname", Quoted(host));
        if (remote.PublicPort is { } port) Add("akka.remote.dot-netty.tcp.public-port", Number(port));
        Add("akka.remote.dot-netty.tcp.enable-ssl", remote.IsEncrypted ? "on" : "off");
        Add("akka.cluster.roles", $"[{string.Join(", ", roles.Select(Quoted))}]");
        AddDetection(Add, heartbeat, lease);
        Add("akka.cluster.split-brain-resolver.active-strategy", journal.IsShared ? "lease-majority" : "keep-majority");
        if (journal.IsShared) AddLease(Add, lease);
        Add("akka.persistence.journal.sql.connection-string", Quoted(journal.ConnectionString));
        Add("akka.persistence.journal.sql.provider-name", Quoted(journal.Provider));
        if (journal.IsShared) Add("akka.persistence.journal.sql.default.schema-name", "meshdns");
        return ConfigurationFactory.ParseString(text.ToString()).WithFallback(SqlPersistence.DefaultConfiguration);

        void Add(string key, string value) => text.Append(key).Append(" = ").Append(value).Append('\n');
    }

    // A silent node is found after the pause and about two heartbeats; the resolver, which looks once a second, waits until the view has been stable, then gossip tells. Together, with the defaults of 1 s and 5 s:
    // 0.4 s beats, 1.5 s pause, 0.8 s stable: 3.5 to 4.5 s.
    private static void AddDetection(Action<string, string> add, TimeSpan heartbeat, TimeSpan lease)
    {
        add("akka.cluster.failure-detector.heartbeat-interval", Milliseconds(heartbeat * 0.4));
        add("akka.cluster.failure-detector.expected-response-after", Milliseconds(heartbeat * 0.4));
        add("akka.cluster.failure-detector.acceptable-heartbeat-pause", Milliseconds(lease * 0.3));
        add("akka.cluster.split-brain-resolver.stable-after", Milliseconds(lease * 0.16));
    }

    // The lease ends before the next leader asks for it: a leader that died with it must not stop the one after it.
    private static void AddLease(Action<string, string> add, TimeSpan lease)
    {
        add("akka.cluster.split-brain-resolver.lease-majority.lease-implementation", "mesh-lease");
        add("akka.cluster.split-brain-resolver.lease-majority.acquire-lease-delay-for-minority", Milliseconds(lease * 0.1));
        add("akka.cluster.split-brain-resolver.lease-majority.release-after", Milliseconds(lease * 2));
        add("mesh-lease.lease-class", "\"MeshDns.Actors.Cluster.DatabaseLease, MeshDns.Actors\"");
        add("mesh-lease.heartbeat-timeout", Milliseconds(lease * 0.4));
        add("mesh-lease.heartbeat-interval", Milliseconds(lease * 0.1));
        add("mesh-lease.lease-operation-timeout", Milliseconds(lease * 0.2));
    }

    private static IEnumerable<(string Key, string Value, bool IsFixed)> Lines()
    {
        using var file = typeof(AkkaSettings).Assembly.GetManifestResourceStream("akka.conf") ?? throw new InvalidOperationException("akka.conf is not in the program");
        using var reader = new StreamReader(file);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var isFixed = line.EndsWith(Fixed, StringComparison.Ordinal);
            if (isFixed) line = line[..^Fixed.Length];
            var at = line.IndexOf(" = ", StringComparison.Ordinal);
            yield return (line[..at].Trim(), line[(at + 3)..].Trim(), isFixed);
        }
    }

    private static string Quoted(string value) => "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, (long)time.TotalMilliseconds)}ms");
}

/// <summary>How the plugin reaches the log.</summary>
/// <param name="ConnectionString">The driver's.</param>
/// <param name="Provider">linq2db's name of it.</param>
/// <param name="IsShared">True for a database that the cluster's nodes share.</param>
internal sealed record JournalPlugin(string ConnectionString, string Provider, bool IsShared);
