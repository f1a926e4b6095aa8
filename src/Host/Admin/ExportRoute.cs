using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// <c>GET /v1/export</c>: all documents as one YAML stream that <c>apply</c> takes back. It is read page by page, so it shows each
/// document as it stood when its page was read. When a page fails the connection is cut, so that half an export is never taken for a whole one.
/// </summary>
internal sealed class ExportRoute(AdminServices services)
{
    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        using var deadline = new ReadDeadline(context, services, AdminLimits.StreamTimeout);
        var reply = new StreamedReply(context, Reply.Yaml);
        foreach (var kind in Enum.GetValues<DocumentKind>()) await WriteKindAsync(reply, kind, deadline.Token);
        await reply.EndAsync(deadline.Token);
    }

    private async Task WriteKindAsync(StreamedReply reply, DocumentKind kind, CancellationToken cancel)
    {
        string? after = null;
        do
        {
            var page = await services.Mesh.ListDocumentsAsync(kind, new PageRequest(AdminLimits.PartItems, after), cancel).WaitAsync(AdminLimits.ReadTimeout, services.Time, cancel);
            foreach (var record in page.Items)
            {
                reply.Append("---\n");
                reply.Append(DocumentView.Source(record));
                await reply.SendAsync(cancel);
            }
            if (page.Next == after && after is not null) throw new InvalidOperationException("a list of documents does not advance");
            after = page.Next;
        }
        while (after is not null);
    }
}
