using MeshDns.Host.Telemetry;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary><c>/metrics</c>, <c>/healthz</c> and <c>/readyz</c>: answered from memory, whatever the store does.</summary>
internal sealed class NodeRoutes(AdminServices services)
{
    public Task MetricsAsync(HttpContext context) => Reply.TextAsync(context, MetricsText.ContentType, services.Metrics());

    public Task LiveAsync(HttpContext context) => services.Health.IsLive
        ? Reply.JsonAsync(context, new HealthJson("ok"), AdminJson.Readable.HealthJson)
        : Reply.ProblemAsync(context, Problem.Of(StatusCodes.Status503ServiceUnavailable, "not-live", "Not live", "the node cannot recover by itself"));

    public Task ReadyAsync(HttpContext context)
    {
        var reasons = services.Health.NotReady;
        // A load balancer of DNS goes by the status alone.
        if (reasons.Count == 0 && services.Health.IsLive)
            return Reply.JsonAsync(context, services.Health.NotWritable is { Length: > 0 } why ? new HealthJson("ready, not writable", why) : new HealthJson("ready"), AdminJson.Readable.HealthJson);
        return Reply.ProblemAsync(context, Problem.Of(StatusCodes.Status503ServiceUnavailable, "not-ready", "Not ready", string.Join("; ", reasons),
            [.. reasons.Select(reason => new ProblemError { Reason = reason })]));
    }
}
