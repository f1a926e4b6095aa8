using MeshDns.Contracts.Messages;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// <c>GET /v1/export</c>: all documents as one YAML stream that <c>apply</c> takes back, with the VIPs that their hosts hold, and at the end what rests. It is read
/// page by page, so it shows each document as it stood when its page was read. When a page fails the connection is cut, so that half an export is never taken for a whole one.
/// </summary>
internal sealed class ExportRoute(AdminServices services)
{
    public async Task GetAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        using var deadline = new ReadDeadline(context, services, AdminLimits.StreamTimeout);
        var reply = new StreamedReply(context, Reply.Yaml);
        foreach (var kind in DocumentKinds.All)
            await WriteAsync(reply, (page, cancel) => services.Mesh.ListDocumentsAsync(kind.Kind, page, cancel), record => "---\n" + DocumentView.Source(record), deadline.Token);
        // Last: a host that loses its VIP meanwhile is shown with it, or its rest is.
        await WriteAsync(reply, services.Mesh.ListRestsAsync, RestingLines.Write, deadline.Token);
        await reply.EndAsync(deadline.Token);
    }

    private async Task WriteAsync<T>(StreamedReply reply, Func<PageRequest, CancellationToken, Task<Page<T>>> list, Func<T, string> write, CancellationToken cancel)
    {
        string? after = null;
        do
        {
            var page = await list(new PageRequest(AdminLimits.PartItems, after), cancel).WaitAsync(AdminLimits.ReadTimeout, services.Time, cancel);
            foreach (var item in page.Items)
            {
                reply.Append(write(item));
                await reply.SendAsync(cancel);
            }
            if (page.Next == after && after is not null) throw new InvalidOperationException("a list does not advance");
            after = page.Next;
        }
        while (after is not null);
    }
}
