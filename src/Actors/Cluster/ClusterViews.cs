using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>The cluster for people and tools: the map, with what this node knows better of itself.</summary>
internal static class ClusterViews
{
    public static ClusterView Of(Mesh mesh, VipUsage usage)
    {
        var map = mesh.Map.Current;
        var streams = Streams.All(mesh.Options.Shards).Select(s => StreamOf(mesh, map, s)).OrderBy(s => s.Stream, StringComparer.Ordinal).ToArray();
        var owned = streams.CountBy(s => s.Owner).ToDictionary();
        var members = map.Members.Where(m => m.Node.Node != mesh.Options.Node).Select(m => Of(m, owned.GetValueOrDefault(m.Node.Node))).Append(Self(mesh, owned.GetValueOrDefault(mesh.Options.Node)));
        var edges = map.Members.SelectMany(m => m.Node.Node == mesh.Options.Node ? [] : m.Report.Edges).Concat(mesh.Readers).Select(Of);
        return new ClusterView(mesh.Options.Node, [.. members.Concat(edges).DistinctBy(m => m.Node).OrderBy(m => m.Node, StringComparer.Ordinal)], streams, usage);
    }

    // A stream that has not recovered is listed without an owner, so that a person sees which one it is.
    private static StreamView StreamOf(Mesh mesh, ClusterMap map, string stream)
    {
        if (mesh.Local.ByStream[stream] is var local && local.IsOwner()) return local.Fence() is { } fence ? new StreamView(stream, fence.Node, fence.Epoch, fence.Seq) : new StreamView(stream, "", 0, 0);
        var row = map.Stream(stream);
        return new StreamView(stream, map.OwnerOf(stream)?.Node.Node ?? "", row?.Epoch ?? 0, row?.Seq ?? 0);
    }

    private static MemberView Self(Mesh mesh, int streams) => new(
        mesh.Options.Node, mesh.Options.Address, mesh.Options.Roles, mesh.IsDraining ? "draining" : mesh.IsReady ? "up" : "joining", mesh.Options.Version, streams,
        new DirectoryFreshness(mesh.Directory.Names, mesh.Directory.Age, mesh.LagEvents));

    private static MemberView Of(ClusterMember member, int streams) => new(
        member.Node.Node, member.Address, member.Roles, member.Report.State, member.Version, streams,
        new DirectoryFreshness(member.Report.Names, TimeSpan.FromMilliseconds(member.Report.AgeMs), member.Report.LagEvents));

    private static MemberView Of(EdgeReport edge) => new(
        edge.Node, edge.Address, edge.Roles, edge.State, edge.Version, 0, new DirectoryFreshness(edge.Names, TimeSpan.FromMilliseconds(edge.AgeMs), 0));
}
