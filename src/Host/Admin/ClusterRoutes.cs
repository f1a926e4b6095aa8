using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Admin;

/// <summary><c>GET /v1/cluster</c> and <c>POST /v1/nodes/{node}/drain</c>.</summary>
internal sealed class ClusterRoutes(AdminServices services)
{
    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        using var deadline = new ReadDeadline(context, services);
        var view = await services.Mesh.GetClusterAsync(deadline.Token).WaitAsync(deadline.Token);
        var vips = view.Vips;
        var json = new ClusterJson(
            view.Node,
            [.. view.Members.Select(m => new MemberJson(m.Node, m.Address, m.Roles, m.State, m.Version, m.Streams,
                new DirectoryJson(m.Directory.Names, m.Directory.Age.TotalSeconds, m.Directory.LagEvents)))],
            [.. view.Streams.Select(s => new StreamJson(s.Stream, s.Owner, s.Epoch, s.Seq))],
            new VipUsageJson(vips.Capacity, vips.Leased, vips.Quarantined, vips.Reserved, vips.Excluded, vips.Free));
        await Reply.JsonAsync(context, json, AdminJson.Readable.ClusterJson);
    }

    public async Task DrainAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        var node = (string)context.Request.RouteValues["node"]!;
        using var deadline = new ReadDeadline(context, services);
        if (!await services.Mesh.DrainAsync(node, deadline.Token).WaitAsync(deadline.Token)) throw new ProblemException(Problem.NotFound($"there is no node {node}"));
        services.Log.LogInformation("drain of {Node} asked by {Remote}", node, context.Connection.RemoteIpAddress);
        await Reply.JsonAsync(context, new DrainJson(node, true), AdminJson.Readable.DrainJson);
    }
}
