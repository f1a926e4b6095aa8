using System.Text.Json;
using MeshDns.Actors.Journal;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>A live member, with what it says of itself.</summary>
public sealed record ClusterMember(NodeIdentity Node, string Address, IReadOnlyList<string> Roles, string Version, MemberReport Report)
{
    /// <summary>True when it owns streams.</summary>
    public bool IsOwner => Roles.Contains("owner");

    /// <summary>True when it answers queries.</summary>
    public bool IsEdge => Roles.Contains("edge");
}

/// <summary>Who is alive and who owns what, as a node saw it last. Immutable.</summary>
public sealed class ClusterMap
{
    private readonly Dictionary<string, MapStream> _streams;
    private readonly Dictionary<string, ClusterMember> _members;

    private ClusterMap(IEnumerable<ClusterMember> members, IEnumerable<MapStream> streams)
    {
        Members = [.. members.OrderBy(m => m.Node.Node, StringComparer.Ordinal)];
        _members = Members.ToDictionary(m => m.Node.Node);
        _streams = streams.ToDictionary(s => s.Stream);
    }

    /// <summary>Nothing known.</summary>
    public static ClusterMap Empty { get; } = new([], []);

    /// <summary>Live members, by name.</summary>
    public IReadOnlyList<ClusterMember> Members { get; }

    /// <summary>Streams that ever had an owner.</summary>
    public IReadOnlyCollection<MapStream> Streams => _streams.Values;

    /// <summary>The live members of a read of the journal.</summary>
    public static ClusterMap Of(ClusterRead read, TimeSpan lease) => new(
        read.Members.Where(m => m.IsAlive(read.Now, lease)).Select(m => new ClusterMember(m.Node, m.Address, RolesOf(m.Roles), m.Version, ReportOf(m.Report))),
        read.Ownership.Select(o => new MapStream(o.Stream, o.Node, o.Incarnation, o.Epoch, o.Seq)));

    /// <summary>What another node handed on.</summary>
    public static ClusterMap Of(MapMessage message) => new(
        message.Members.Select(m => new ClusterMember(new NodeIdentity(m.Node, m.Incarnation), m.Address, RolesOf(m.Roles), m.Version, ReportOf(m.Report))),
        message.Streams);

    /// <summary>For another node.</summary>
    public MapMessage ToMessage() => new(
        [.. Members.Select(m => new MapMember(m.Node.Node, m.Node.Incarnation, m.Address, string.Join(',', m.Roles), m.Version, JsonSerializer.Serialize(m.Report with { Edges = [] }, NodeJson.Default.MemberReport)))],
        [.. _streams.Values]);

    /// <summary>The member of a name; null when it is not alive.</summary>
    public ClusterMember? Member(string node) => _members.GetValueOrDefault(node);

    /// <summary>The stream's row; null when it never had an owner.</summary>
    public MapStream? Stream(string stream) => _streams.GetValueOrDefault(stream);

    /// <summary>The live owner of a stream; null when it has none.</summary>
    public ClusterMember? OwnerOf(string stream) =>
        _streams.GetValueOrDefault(stream) is { Owner.Length: > 0 } row && Member(row.Owner) is { } member && member.Node.Incarnation == row.Incarnation ? member : null;

    private static string[] RolesOf(string roles) => roles.Split(',', StringSplitOptions.RemoveEmptyEntries);

    // What a member says of itself is for people and for choices of speed; one that cannot be read says nothing.
    private static MemberReport ReportOf(string report)
    {
        try { return JsonSerializer.Deserialize(report, NodeJson.Default.MemberReport) ?? new MemberReport(); }
        catch (JsonException) { return new MemberReport(); }
    }
}

/// <summary>Where a node learns who owns what.</summary>
public interface IClusterMap
{
    /// <summary>What was seen last.</summary>
    ClusterMap Current { get; }

    /// <summary>Asks for a newer one soon; what was seen last has led astray.</summary>
    void Refresh();
}
