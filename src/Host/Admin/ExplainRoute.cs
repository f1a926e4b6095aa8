using System.Net;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary><c>GET /v1/explain?name=&amp;type=&amp;client=</c>: what a query would get and why.</summary>
internal sealed class ExplainRoute(AdminServices services)
{
    private static readonly TimeSpan _leaseTimeout = TimeSpan.FromSeconds(1);

    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context, "name", "type", "client");
        var name = RequestQuery.Text(context, "name") ?? throw new ProblemException(Problem.BadRequest("name: is needed", "name"));
        var type = (RequestQuery.Text(context, "type") ?? "A").ToUpperInvariant();
        IPAddress? client = null;
        if (RequestQuery.Text(context, "client") is { } text)
        {
            if (!Cidr.TryParseAddress(text, out client)) throw new ProblemException(Problem.BadRequest("client: must be an IP address", "client"));
        }
        using var deadline = new ReadDeadline(context, services);
        try
        {
            var explanation = await services.Explainer.ExplainAsync(name, type, client, deadline.Token);
            if (explanation.VipIndex is { } vip) explanation = explanation with { Steps = [.. explanation.Steps, await LeaseAsync(context, vip)] };
            await Reply.JsonAsync(context, explanation, AdminJson.Readable.Explanation);
        }
        catch (FormatException e)
        {
            throw new ProblemException(Problem.BadRequest(e.Message));
        }
    }

    // The owners know since when; where none answers, all that this node knows itself is explained all the same.
    private async Task<string> LeaseAsync(HttpContext context, int index)
    {
        var vip = services.Vips.IPv4(index);
        try
        {
            using var deadline = new ReadDeadline(context, services, _leaseTimeout);
            var lease = await services.Mesh.GetVipAsync(index, deadline.Token).WaitAsync(deadline.Token);
            var cluster = await services.Mesh.GetClusterAsync(deadline.Token).WaitAsync(deadline.Token);
            if (lease is null or { State: not VipState.Leased }) return $"{vip} is no longer leased";
            var allocator = cluster.Streams.FirstOrDefault(stream => stream.Stream == "vips");
            return $"{vip} is leased to {lease.Hosts[0]} since {VipRoutes.Moment(lease.Since)}{(allocator is null ? "" : $"; the allocator is in epoch {allocator.Epoch} at {allocator.Owner}")}";
        }
        catch (Exception) when (!context.RequestAborted.IsCancellationRequested) { return $"since when {vip} is leased cannot be read now: no owner answers"; }
    }
}
