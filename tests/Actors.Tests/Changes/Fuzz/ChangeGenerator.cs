using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Changes.Fuzz;

/// <summary>Random requests over a few documents, hosts and addresses, so that they meet often.</summary>
internal sealed class ChangeGenerator(Random random)
{
    private static readonly string[] _hosts = ["h0.example", "h1.example", "h2.example", "h3.example", "h4.example", "h5.example", "h6.example", "h7.example", "h8.example", "h9.example", "*.w.example"];
    private static readonly string[] _addresses = ["240.240.0.1", "240.240.0.2", "240.240.0.3", "2001:2::4", "240.240.0.0", "10.0.0.1", "240.240.0.8/31", "240.240.0.4/30", "240.240.0.0/16", "2001:2::c/127", "10.0.0.0/8"];
    private static readonly DocumentKey[] _keys = [.. Enumerable.Range(0, 8).Select(i => Make.Key("d" + i, i % 2 == 0 ? "a" : "b"))];
    private static readonly long[] _quarantines = [600_000, 1_800_000, ChangesRig.QuarantineMs, 7_200_000];
    private static readonly long[] _ttls = [10_000, 30_000, 60_000, 500_000, 1500];
    private static readonly string[] _zones = ["example", "w.example", "mesh.internal", "cluster.local"];
    private int _nextKey;

    /// <summary>Requests that touch different documents.</summary>
    public List<ChangeRequest> Requests(MeshModel model, int count)
    {
        var keys = new Queue<DocumentKey>(_keys.OrderBy(_ => random.Next()));
        var requests = new List<ChangeRequest>();
        while (requests.Count < count && keys.Count > 0)
        {
            var mine = Enumerable.Range(0, Math.Min(keys.Count, 1 + random.Next(3))).Select(_ => keys.Dequeue()).ToArray();
            requests.Add(Request(model, mine));
        }
        return requests;
    }

    /// <summary>A change of what all nodes share; not every one is right.</summary>
    public ChangeRequest Settings(MeshModel model) => new()
    {
        Changes = [],
        Settings = new SettingsChange
        {
            IfMatch = random.Next(5) switch { 0 => model.Settings.Tag, 1 when random.Next(3) == 0 => "0", _ => null },
            QuarantineMs = random.Next(2) == 0 ? _quarantines[random.Next(_quarantines.Length)] : null,
            LargestTtlMs = random.Next(2) == 0 ? _ttls[random.Next(_ttls.Length)] : null,
            Zones = random.Next(3) == 0 ? [.. _zones.Where(_ => random.Next(2) == 0)] : null,
            ClusterDomain = random.Next(6) == 0 ? _zones[random.Next(_zones.Length)] : null,
        },
    };

    private ChangeRequest Request(MeshModel model, DocumentKey[] keys) => new()
    {
        Changes = [.. keys.Select(k => Change(model, k))],
        Source = random.Next(6) == 0 ? "file:x" : "api",
        TakeOver = random.Next(3) == 0,
        MustExist = random.Next(4) == 0,
        DryRun = random.Next(12) == 0,
        IdempotencyKey = random.Next(3) == 0 ? "key-" + _nextKey++ : null,
    };

    private DocumentChange Change(MeshModel model, DocumentKey key)
    {
        var there = model.Documents.TryGetValue(key, out var stored);
        long? ifMatch = random.Next(6) switch { 0 => there ? stored.Version : 0, 1 when random.Next(3) == 0 => random.Next(20), _ => null };
        if (random.Next(3) == 0) return new DocumentChange(key, null, ifMatch);
        return new DocumentChange(key, there && random.Next(5) == 0 ? stored.Document : Document(key), ifMatch);
    }

    private MeshDocument Document(DocumentKey key)
    {
        var hosts = _hosts.OrderBy(_ => random.Next()).Take(1 + random.Next(random.Next(4) == 0 ? 6 : 2)).ToArray();
        var addresses = random.Next(3) == 0 ? _addresses.OrderBy(_ => random.Next()).Take(1 + random.Next(2)).ToArray() : [];
        var resolution = random.Next(8) switch { 0 => Resolution.None, 1 => Resolution.Dns, 2 => Resolution.DynamicDns, _ => Resolution.Static };
        return Make.Entry(key.Name, hosts, addresses, resolution, key.Namespace, optOut: random.Next(8) == 0, port: 80 + random.Next(3));
    }
}
