using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MeshDns.Contracts.Messages;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// Answers a list with a page: at most as many items as were asked for, and at most about <see cref="AdminLimits.PageBytes"/>. It is read in parts and sent as
/// it is made, so that neither a full pool nor large documents are ever there as a whole; each item is shown as it stood when its part was read.
/// </summary>
internal static class PageReply
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the page, or its beginning; then <c>next</c> points after the last item that was written. One item is always written.</summary>
    /// <param name="context">Whose request it is.</param>
    /// <param name="services">The clock.</param>
    /// <param name="read">Reads a part from the mesh.</param>
    /// <param name="keyOf">An item's place in the list's order, as the list takes it for <c>after</c>.</param>
    /// <param name="render">What is shown of an item.</param>
    /// <param name="type">How that is written.</param>
    public static async Task WriteAsync<TItem, TJson>(
        HttpContext context, AdminServices services, Func<PageRequest, CancellationToken, Task<Page<TItem>>> read, Func<TItem, string> keyOf, Func<TItem, IEnumerable<TJson>> render, JsonTypeInfo<TJson> type)
    {
        var asked = RequestQuery.Page(context);
        using var deadline = new ReadDeadline(context, services, AdminLimits.StreamTimeout);
        var reply = new StreamedReply(context, Reply.Json);
        await using var json = new Utf8JsonWriter(reply.Writer, _options);
        json.WriteStartObject();
        json.WriteStartArray("items");
        var (left, next, isFull) = (asked.Limit, asked.After, false);
        do
        {
            var part = await read(asked with { Limit = Math.Min(left, AdminLimits.PartItems), After = next }, deadline.Token).WaitAsync(AdminLimits.ReadTimeout, services.Time, deadline.Token);
            if (part.Next == next && next is not null) throw new InvalidOperationException("a list does not advance");
            (left, next) = (left - part.Items.Count, part.Next);
            for (var i = 0; i < part.Items.Count && !isFull; i++)
            {
                foreach (var shown in render(part.Items[i])) JsonSerializer.Serialize(json, shown, type);
                isFull = json.BytesCommitted + json.BytesPending >= AdminLimits.PageBytes;
                if (isFull && i < part.Items.Count - 1) next = keyOf(part.Items[i]);
                // Not the bytes that it holds for a moment: the next item would find their places taken.
                json.Flush();
                await reply.SendAsync(deadline.Token);
            }
        }
        while (next is not null && left > 0 && !isFull);
        json.WriteEndArray();
        json.WriteString("next", next);
        json.WriteEndObject();
        json.Flush();
        await reply.EndAsync(deadline.Token);
    }
}
