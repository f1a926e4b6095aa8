using MeshDns.Contracts.Messages;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// <c>POST /v1/manifests</c>: a set of documents, applied whole or not at all. <c>?delete=true</c> deletes the named documents instead,
/// also whole; one that is not there is no error. Kinds that mean nothing for names are passed over and listed, or refused with <c>?strict=true</c>.
/// </summary>
internal sealed class ManifestRoute(ChangeRunner changes) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(AdminLimits.ManifestRequests);

    public void Dispose() => _slots.Dispose();

    public async Task PostAsync(HttpContext context)
    {
        RequestQuery.Allow(context, "dryRun", "takeOver", "wait", "delete", "strict");
        var deleting = RequestQuery.Flag(context, "delete");
        var strict = RequestQuery.Flag(context, "strict");
        var dryRun = RequestQuery.Flag(context, "dryRun");
        var takeOver = RequestQuery.Flag(context, "takeOver");
        var wait = RequestQuery.WaitsForEdges(context);
        var key = RequestQuery.IdempotencyKey(context);
        if (!await _slots.WaitAsync(TimeSpan.Zero)) throw new ProblemException(Problem.Unavailable($"{AdminLimits.ManifestRequests} sets of manifests are under way already"));
        try
        {
            var body = await RequestBody.ReadAsync(context, AdminLimits.ManifestsBytes, changes.Time, strict);
            var documents = body.Documents;
            if (documents.Count == 0) throw new ProblemException(Problem.BadRequest(body.Skipped.Count == 0 ? "the body has no documents" : $"the body has no document that declares a name; {body.Skipped[0]}"));
            var request = new ChangeRequest
            {
                Changes = [.. documents.Select(document => new DocumentChange(document.Document.Key, deleting ? null : document.Document))],
                TakeOver = takeOver,
                DryRun = dryRun,
                IdempotencyKey = key,
            };
            var reply = await changes.RunAsync(context, request, documents, wait);
            if (body.Skipped.Count > 0) reply = reply with { Skipped = [.. body.Skipped.Select(s => new SkippedJson(s.Number, s.ApiVersion, s.Kind, s.Namespace, s.Name))] };
            if (documents.Count > AdminLimits.WholeReply) await Reply.JsonStreamAsync(context, reply, AdminJson.Readable.ChangeJson);
            else await Reply.JsonAsync(context, reply, AdminJson.Readable.ChangeJson);
        }
        finally
        {
            _slots.Release();
        }
    }
}
