using System.Net;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// <c>GET /v1/hosts</c> and <c>GET /v1/hosts/{host}</c>. A list has one item for each (namespace, host) record, and its limit counts
/// hosts. A single host is its oldest record, with all of them under <c>records</c> when several namespaces declare it.
/// </summary>
internal sealed class HostRoutes(AdminServices services)
{
    public Task ListAsync(HttpContext context) => PageReply.WriteAsync(context, services, services.Mesh.ListHostsAsync, host => host.Host.Text, Render, AdminJson.Readable.HostJson);

    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        var text = (string)context.Request.RouteValues["host"]!;
        if (!HostName.TryParse(text, out var name, out var error)) throw new ProblemException(Problem.BadRequest(error, "host"));
        using var deadline = new ReadDeadline(context, services);
        var host = await services.Mesh.GetHostAsync(name, deadline.Token).WaitAsync(deadline.Token);
        var records = host is null ? [] : Render(host);
        if (records.Count == 0) throw new ProblemException(Problem.NotFound($"{name} is not declared"));
        var json = records.Count == 1 ? records[0] : records[0] with { Records = records };
        await Reply.JsonAsync(context, json, AdminJson.Readable.HostJson);
    }

    private List<HostJson> Render(HostRecord host)
    {
        var vip = host.Vip is null or { State: VipState.Free } ? null : new HostVipJson(
            services.Vips.IPv4(host.Vip.Index).ToString(), services.Vips.IPv6(host.Vip.Index).ToString(), VipRoutes.StateName(host.Vip.State));
        return [.. host.Records.Select(record => new HostJson
        {
            Host = host.Host.Text,
            Namespace = record.Namespace,
            Entries = [.. record.Declarations.Select(Entry)],
            Addresses = Addresses(record, host.Vip, vip),
            Vip = vip,
            Ttl = (int)services.Ttl(),
            Shard = host.Shard,
            Owner = host.Owner,
        })];
    }

    private static HostEntryJson Entry(HostDeclaration declaration) => new(
        declaration.Document.Namespace,
        declaration.Document.Name,
        declaration.Document.Kind.ToString(),
        DocumentKinds.Of(declaration.Document.Kind).HasResolution ? ResolutionName(declaration.Resolution) : null);

    /// <summary>Explicit addresses win over the VIP; a CIDR is no address that a query could get.</summary>
    private static List<string> Addresses(NamespaceRecord record, VipRecord? vip, HostVipJson? json)
    {
        var addresses = record.Declarations.SelectMany(declaration => declaration.Addresses)
            .Where(address => IPAddress.TryParse(address, out _)).Distinct(StringComparer.Ordinal).ToList();
        if (addresses.Count == 0 && vip?.State == VipState.Leased && record.Declarations.Any(declaration => declaration.Eligible)) addresses.AddRange([json!.IPv4, json.IPv6]);
        return addresses;
    }

    private static string ResolutionName(Resolution resolution) => resolution switch
    {
        Resolution.Static => "STATIC",
        Resolution.Dns => "DNS",
        Resolution.DnsRoundRobin => "DNS_ROUND_ROBIN",
        Resolution.DynamicDns => "DYNAMIC_DNS",
        _ => "NONE",
    };
}
