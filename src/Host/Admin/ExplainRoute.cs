using System.Net;
using MeshDns.Contracts.Vips;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary><c>GET /v1/explain?name=&amp;type=&amp;client=</c>: what a query would get and why.</summary>
internal sealed class ExplainRoute(AdminServices services)
{
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
            await Reply.JsonAsync(context, explanation, AdminJson.Readable.Explanation);
        }
        catch (FormatException e)
        {
            throw new ProblemException(Problem.BadRequest(e.Message));
        }
    }
}
