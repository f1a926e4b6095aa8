using System.Text;
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
    private const int PageItems = 1000;

    private const int WriteChars = 64 * 1024;

    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        using var deadline = new ReadDeadline(context, services, AdminLimits.ExportTimeout);
        foreach (var kind in Enum.GetValues<DocumentKind>()) await WriteKindAsync(context, kind, deadline.Token);
        if (context.Response.HasStarted) return;
        await Reply.YamlAsync(context, "");
    }

    private async Task WriteKindAsync(HttpContext context, DocumentKind kind, CancellationToken cancel)
    {
        string? after = null;
        do
        {
            var page = await services.Mesh.ListDocumentsAsync(kind, new PageRequest(PageItems, after), cancel).WaitAsync(AdminLimits.ReadTimeout, services.Time, cancel);
            // Few documents to a write, and a write waits for the caller to read: the size of documents must not add up here.
            var text = new StringBuilder();
            foreach (var record in page.Items)
            {
                text.Append("---\n").Append(DocumentView.Source(record));
                if (text.Length >= WriteChars) await WriteAsync(context, text, cancel);
            }
            if (text.Length > 0) await WriteAsync(context, text, cancel);
            if (page.Next == after && after is not null) throw new InvalidOperationException("a list of documents does not advance");
            after = page.Next;
        }
        while (after is not null);
    }

    private static ValueTask WriteAsync(HttpContext context, StringBuilder text, CancellationToken cancel)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "application/yaml";
            context.Response.Headers.CacheControl = "no-store";
        }
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        text.Clear();
        return context.Response.Body.WriteAsync(bytes, cancel);
    }
}
