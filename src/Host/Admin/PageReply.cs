using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MeshDns.Contracts.Messages;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>Writes a page of a list: at most as many items as were asked for, and at most about <see cref="AdminLimits.PageBytes"/>.</summary>
internal static class PageReply
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the page, or its beginning; then <c>next</c> points after the last item that was written. One item is always written.</summary>
    /// <param name="context">Whose request it is.</param>
    /// <param name="page">What the mesh gave.</param>
    /// <param name="keyOf">An item's place in the list's order, as the list takes it for <c>after</c>.</param>
    /// <param name="render">What is shown of an item.</param>
    /// <param name="type">How that is written.</param>
    public static Task WriteAsync<TItem, TJson>(HttpContext context, Page<TItem> page, Func<TItem, string> keyOf, Func<TItem, IEnumerable<TJson>> render, JsonTypeInfo<TJson> type)
    {
        var body = new ArrayBufferWriter<byte>();
        var next = page.Next;
        using (var json = new Utf8JsonWriter(body, _options))
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            for (var i = 0; i < page.Items.Count; i++)
            {
                foreach (var shown in render(page.Items[i])) JsonSerializer.Serialize(json, shown, type);
                if (json.BytesCommitted + json.BytesPending < AdminLimits.PageBytes || i == page.Items.Count - 1) continue;
                next = keyOf(page.Items[i]);
                break;
            }
            json.WriteEndArray();
            json.WriteString("next", next);
            json.WriteEndObject();
        }
        return Reply.JsonBytesAsync(context, body.WrittenMemory);
    }
}
