using MeshDns.Contracts.Messages;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary><c>GET /v1/settings</c> and <c>PUT /v1/settings</c>: what all nodes of the cluster share (docs/adr/0028). A PUT may name some of the settings; the others stay as they are.</summary>
internal sealed class SettingsRoutes(AdminServices services, ChangeRunner changes, Admission admission)
{
    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        var view = await ReadAsync(context);
        context.Response.Headers.ETag = ETag(view);
        await Reply.JsonAsync(context, SettingsJson.Of(view), AdminJson.Readable.SettingsJson);
    }

    public async Task PutAsync(HttpContext context)
    {
        RequestQuery.Allow(context, "dryRun", "wait");
        var (dryRun, wait, key) = (RequestQuery.Flag(context, "dryRun"), RequestQuery.WaitsForEdges(context), RequestQuery.IdempotencyKey(context));
        using var received = await RequestBody.ReceiveAsync(context, AdminLimits.DocumentBytes, admission, services.Time);
        using var place = await admission.Changes.EnterAsync(context.RequestAborted);
        var body = SettingsBody.Read(received.Json);
        if (body.HasFixed) body.CheckFixed(await ReadAsync(context));
        var change = body.Change with { IfMatch = await Preconditions.TagAsync(context, async () => (await ReadAsync(context)).Shared.Tag) };
        var reply = await changes.RunAsync(context, new ChangeRequest { Changes = [], Settings = change, DryRun = dryRun, IdempotencyKey = key }, [], wait);
        if (!dryRun && reply.SettingsTag is { } tag) context.Response.Headers.ETag = $"\"{tag}\"";
        await Reply.JsonAsync(context, reply, AdminJson.Readable.ChangeJson);
    }

    private async Task<SettingsView> ReadAsync(HttpContext context)
    {
        using var deadline = new ReadDeadline(context, services);
        return await services.Mesh.GetSettingsAsync(deadline.Token).WaitAsync(deadline.Token);
    }

    private static string ETag(SettingsView view) => $"\"{view.Shared.Tag}\"";
}
