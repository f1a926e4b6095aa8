using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>The documents of one kind, one at a time, in the shape that Istio or Kubernetes gives it.</summary>
internal sealed class DocumentRoutes(DocumentKind kind, AdminServices services, ChangeRunner changes, Admission admission)
{
    private const int MaxNameLength = 253;

    public Task ListAsync(HttpContext context) => PageReply.WriteAsync(context, services, (page, cancel) => services.Mesh.ListDocumentsAsync(kind, page, cancel),
        record => $"{record.Document.Key.Namespace}/{record.Document.Key.Name}", record => [DocumentView.Render(record)], AdminJson.Readable.JsonObject);

    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        var key = Key(context);
        using var deadline = new ReadDeadline(context, services);
        var record = await services.Mesh.GetDocumentAsync(key, deadline.Token).WaitAsync(deadline.Token) ?? throw new ProblemException(Problem.NotFound($"there is no {key}"));
        context.Response.Headers.ETag = Preconditions.ETag(record.Version);
        context.Response.Headers.Vary = "Accept";
        var json = DocumentView.Render(record);
        await (DocumentView.PrefersYaml(context.Request)
            ? Reply.YamlAsync(context, YamlText.Of(json))
            : Reply.JsonAsync(context, json, AdminJson.Readable.JsonObject));
    }

    public async Task PutAsync(HttpContext context)
    {
        RequestQuery.Allow(context, "dryRun", "takeOver", "wait");
        var key = Key(context);
        var change = new ChangeRequest
        {
            Changes = [],
            DryRun = RequestQuery.Flag(context, "dryRun"),
            TakeOver = RequestQuery.Flag(context, "takeOver"),
            IdempotencyKey = RequestQuery.IdempotencyKey(context),
        };
        var wait = RequestQuery.WaitsForEdges(context);
        using var body = await RequestBody.ReceiveAsync(context, AdminLimits.DocumentBytes, admission, services.Time);
        using var place = await admission.Changes.EnterAsync(context.RequestAborted);
        var read = body.Read(services.Vips, services.Time, strict: true);
        var documents = read.Documents;
        if (documents.Count != 1) throw new ProblemException(Problem.BadRequest($"the body must have one document, it has {documents.Count}"));
        RefuseOther(documents[0], key);
        change = change with { Changes = [documents[0].ToChange() with { IfMatch = await IfMatchAsync(context, key) }], Rests = read.RestingVips };
        var reply = await changes.RunAsync(context, change, documents, wait);
        var result = reply.Results[0];
        if (!reply.DryRun) context.Response.Headers.ETag = Preconditions.ETag(result.Version);
        var created = result.Action == "created" && !reply.DryRun;
        if (created) context.Response.Headers.Location = context.Request.Path.ToUriComponent();
        await Reply.JsonAsync(context, reply, AdminJson.Readable.ChangeJson, created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    public async Task DeleteAsync(HttpContext context)
    {
        RequestQuery.Allow(context, "dryRun", "takeOver", "wait");
        var key = Key(context);
        var change = new ChangeRequest
        {
            Changes = [new DocumentChange(key, null, await IfMatchAsync(context, key))],
            MustExist = true,
            DryRun = RequestQuery.Flag(context, "dryRun"),
            TakeOver = RequestQuery.Flag(context, "takeOver"),
            IdempotencyKey = RequestQuery.IdempotencyKey(context),
        };
        var reply = await changes.RunAsync(context, change, [], RequestQuery.WaitsForEdges(context));
        await Reply.JsonAsync(context, reply, AdminJson.Readable.ChangeJson);
    }

    private async Task<long?> IfMatchAsync(HttpContext context, DocumentKey key)
    {
        using var deadline = new ReadDeadline(context, services);
        return await Preconditions.ReadAsync(context, services.Mesh, key, deadline.Token);
    }

    private DocumentKey Key(HttpContext context) => new(kind, Segment(context, "namespace"), Segment(context, "name"));

    private static string Segment(HttpContext context, string field)
    {
        var text = (string)context.Request.RouteValues[field]!;
        if (text.Length <= MaxNameLength && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.')) return text;
        throw new ProblemException(Problem.BadRequest($"{field}: must be at most {MaxNameLength} of a-z, 0-9, '-' and '.'", field));
    }

    /// <summary>The path says which document it is; a body that says otherwise is a mistake that must not be guessed away.</summary>
    private static void RefuseOther(ManifestDocument document, DocumentKey key)
    {
        var errors = new List<ProblemError>();
        Compare("kind", document.Document.Key.Kind.ToString(), key.Kind.ToString());
        Compare("metadata.namespace", document.Document.Key.Namespace, key.Namespace);
        Compare("metadata.name", document.Document.Key.Name, key.Name);
        if (errors.Count > 0) throw new ProblemException(Problem.Of(StatusCodes.Status400BadRequest, "path-mismatch", "Body and path disagree", $"{errors[0].Field}: {errors[0].Reason}", errors));

        void Compare(string field, string body, string path)
        {
            if (body != path) errors.Add(new ProblemError { Document = document.Number, Field = field, Reason = $"the body says '{body}', the path says '{path}'" });
        }
    }
}
