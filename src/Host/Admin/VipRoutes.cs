using System.Globalization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary><c>GET /v1/vips</c> and <c>GET /v1/vips/{ip}</c>.</summary>
internal sealed class VipRoutes(AdminServices services)
{
    public Task ListAsync(HttpContext context) => PageReply.WriteAsync(context, services, services.Mesh.ListVipsAsync,
        vip => vip.Index.ToString("D5", CultureInfo.InvariantCulture), vip => [Render(vip, services.Vips)], AdminJson.Readable.VipJson);

    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        var text = (string)context.Request.RouteValues["ip"]!;
        if (!Cidr.TryParseAddress(text, out var address)) throw new ProblemException(Problem.BadRequest($"'{text}' is not an IP address", "ip"));
        if (!services.Vips.TryIndexOf(address, out var index)) throw new ProblemException(Problem.NotFound($"{address} is not a usable address of {services.Vips.V4} or {services.Vips.V6}"));
        using var deadline = new ReadDeadline(context, services);
        var vip = await services.Mesh.GetVipAsync(index, deadline.Token).WaitAsync(deadline.Token) ?? throw new ProblemException(Problem.NotFound($"{address} is not a VIP"));
        if (vip.State == VipState.Free) throw new ProblemException(Problem.NotFound($"{address} is free; {LastHolder(vip)}"));
        await Reply.JsonAsync(context, Render(vip, services.Vips), AdminJson.Readable.VipJson);
    }

    internal static string StateName(VipState state) => state switch
    {
        VipState.Leased => "leased",
        VipState.Quarantined => "quarantined",
        VipState.Reserved => "reserved",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "a free VIP is not shown"),
    };

    private static string LastHolder(VipRecord vip) => vip.Hosts.Count == 0 ? "no host ever held it" : $"{vip.Hosts[0]} held it last";

    private static VipJson Render(VipRecord vip, VipRange range) => new()
    {
        IPv4 = range.IPv4(vip.Index).ToString(),
        IPv6 = range.IPv6(vip.Index).ToString(),
        Host = vip.Hosts.Count > 0 ? vip.Hosts[0].Text : null,
        Hosts = vip.Hosts.Count > 1 ? [.. vip.Hosts.Select(host => host.Text)] : null,
        State = StateName(vip.State),
        Since = vip.Since == 0 ? null : Moment(vip.Since),
        Until = vip.Until is { } until ? Moment(until) : null,
    };

    internal static string Moment(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
