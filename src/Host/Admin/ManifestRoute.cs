using MeshDns.Contracts.Messages;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// <c>POST /v1/manifests</c>: a set of documents, applied whole or not at all. <c>?delete=true</c> deletes the named documents instead,
/// also whole; one that is not there is no error. Kinds that mean nothing for names are passed over and listed, or refused with <c>?strict=true</c>.
/// </summary>
internal sealed class ManifestRoute(ChangeRunner changes, Admission admission)
{
    public async Task PostAsync(HttpContext context)
    {
        RequestQuery.Allow(context, "dryRun", "takeOver", "wait", "delete", "strict");
        var deleting = RequestQuery.Flag(context, "delete");
        var strict = RequestQuery.Flag(context, "strict");
        var dryRun = RequestQuery.Flag(context, "dryRun");
        var takeOver = RequestQuery.Flag(context, "takeOver");
        var wait = RequestQuery.WaitsForEdges(context);
        var key = RequestQuery.IdempotencyKey(context);
        using var body = await RequestBody.ReceiveAsync(context, AdminLimits.ManifestsBytes, admission, changes.Time);
        using var place = await admission.ChangesOf(body.Length).EnterAsync(context.RequestAborted);
        var read = body.Read(changes.Vips, changes.Time, strict);
        var documents = read.Documents;
        if (documents.Count == 0 && (deleting || read.Rests.Count == 0))
            throw new ProblemException(Problem.BadRequest(read.Skipped.Count == 0 ? "the body has no documents" : $"the body has no document that declares a name; {read.Skipped[0]}"));
        // The documents are all that is needed of it from here on.
        body.Dispose();
        var request = new ChangeRequest
        {
            Changes = [.. documents.Select(document => deleting ? new DocumentChange(document.Document.Key, null) : document.ToChange())],
            Rests = deleting ? null : read.RestingVips,
            TakeOver = takeOver,
            DryRun = dryRun,
            IdempotencyKey = key,
        };
        var reply = await changes.RunAsync(context, request, documents, wait);
        if (deleting && read.Rests.Count > 0) reply = reply with { Warnings = [$"{read.Rests.Count} resting lines mean nothing for a deletion"] };
        if (read.Skipped.Count > 0) reply = reply with { Skipped = [.. read.Skipped.Select(s => new SkippedJson(s.Number, s.ApiVersion, s.Kind, s.Namespace, s.Name))] };
        if (documents.Count > AdminLimits.WholeReply) await Reply.JsonStreamAsync(context, reply, AdminJson.Readable.ChangeJson);
        else await Reply.JsonAsync(context, reply, AdminJson.Readable.ChangeJson);
    }
}
