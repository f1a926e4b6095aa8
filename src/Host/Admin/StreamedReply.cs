using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// A reply of any size, sent in pieces as it is made: no more of it is ever in memory than a piece, and a caller who reads slowly slows its making. One that
/// is smaller than a piece carries its length; a larger one comes in chunks, which show a cut reply as well.
/// </summary>
internal sealed class StreamedReply(HttpContext context, string mediaType)
{
    private const int PieceBytes = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _piece = new();

    /// <summary>Where the reply's next bytes go.</summary>
    public IBufferWriter<byte> Writer => _piece;

    /// <summary>Adds text.</summary>
    public void Append(string text) => Encoding.UTF8.GetBytes(text, _piece);

    /// <summary>Sends what is there when that is enough for a piece. To be awaited after every few kilobytes.</summary>
    public ValueTask SendAsync(CancellationToken cancel) => _piece.WrittenCount < PieceBytes ? ValueTask.CompletedTask : SendPieceAsync(cancel);

    /// <summary>Sends the rest.</summary>
    public async Task EndAsync(CancellationToken cancel)
    {
        if (!context.Response.HasStarted) await Reply.BytesAsync(context, StatusCodes.Status200OK, mediaType, _piece.WrittenMemory);
        else await SendPieceAsync(cancel);
    }

    private async ValueTask SendPieceAsync(CancellationToken cancel)
    {
        if (!context.Response.HasStarted) Reply.Head(context.Response, StatusCodes.Status200OK, mediaType);
        await context.Response.Body.WriteAsync(_piece.WrittenMemory, cancel);
        _piece.ResetWrittenCount();
    }
}
