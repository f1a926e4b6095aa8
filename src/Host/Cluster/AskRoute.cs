using System.Text;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Cluster;

/// <summary>
/// One request of another node, whose connection has shown that it is one: whether there is room, the body, what it
/// asks, the answer.
/// </summary>
internal sealed class AskRoute(string entrance, AskAdmission admission, RequestCounters counters, TimeProvider time, ILogger log)
{
    private const string UnknownKind = "unknown";

    private readonly Rejections _rejections = new("traffic to " + entrance, reason => counters.Rejected.Increment(reason), time, log);
    private INodeServer? _handler;

    /// <summary>Carries requests out from here on.</summary>
    public void Serve(INodeServer handler) => Volatile.Write(ref _handler, handler);

    /// <summary>Counts and tells of who did not get as far as a request.</summary>
    public void Reject(string reason, string from, string hint) => _rejections.Add(reason, from, hint);

    public async Task InvokeAsync(HttpContext context)
    {
        if (!AskHead.TryRead(name => context.Request.Headers[name], out var head))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "malformed", "the request has no deadline", context.RequestAborted);
            return;
        }
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(Math.Min(head.DeadlineMs, ClusterLimits.LongestDeadline.TotalMilliseconds)), time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        try
        {
            await AnswerAsync(context, ended.Token);
        }
        // Whoever asked has stopped waiting; an answer would be about nothing.
        catch (Exception e) when (ended.IsCancellationRequested || e is IOException or BadHttpRequestException)
        {
            counters.Requests.Increment(UnknownKind, "abandoned");
            context.Abort();
        }
    }

    private async Task AnswerAsync(HttpContext context, CancellationToken cancel)
    {
        var request = context.Request;
        if (request.Method != HttpMethods.Post || request.Path.Value != AskHead.Route)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, "malformed", $"there is only POST {AskHead.Route}", cancel);
            return;
        }
        if (request.ContentLength is not { } length)
        {
            await RefuseAsync(context, StatusCodes.Status411LengthRequired, "malformed", "the request does not say how long its body is", cancel);
            return;
        }
        if (length > ClusterLimits.BodyBytes)
        {
            await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, "malformed", $"a request has at most {ClusterLimits.BodyBytes} bytes", cancel);
            return;
        }
        if (!admission.TryEnter((int)length))
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "busy", "too many requests are under way", cancel);
            return;
        }
        try
        {
            await CarryOutAsync(context, (int)length, cancel);
        }
        finally
        {
            admission.Leave((int)length);
        }
    }

    private async Task CarryOutAsync(HttpContext context, int length, CancellationToken cancel)
    {
        // The server holds the body to its length: one that ends early is an IOException here, and nothing of it is carried out.
        var body = new byte[length];
        await context.Request.Body.ReadExactlyAsync(body, cancel);
        if (NodeCodec.ReadRequest(body, out var problem) is not { } request)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "malformed", $"this version does not understand the request: {problem}", cancel);
            return;
        }
        var kind = NodeCodec.KindOf(request);
        var outcome = "abandoned";
        try
        {
            var reply = Volatile.Read(ref _handler) is { } handler ? await HandleAsync(handler, request, kind, cancel) : new NodeRefusal("the node is starting");
            await WriteAsync(context, StatusCodes.Status200OK, "application/json", Bounded(reply), cancel);
            outcome = reply is NodeRefusal ? "refused" : "done";
        }
        catch (HandlerFailedException e)
        {
            outcome = "failed";
            await WriteAsync(context, StatusCodes.Status500InternalServerError, "text/plain", Encoding.UTF8.GetBytes(e.Message), cancel);
        }
        catch (Exception e) when (cancel.IsCancellationRequested || e is IOException)
        {
            context.Abort();
        }
        finally
        {
            counters.Requests.Increment(kind, outcome);
        }
    }

    private async Task<NodeReply> HandleAsync(INodeServer handler, NodeRequest request, string kind, CancellationToken cancel)
    {
        try
        {
            return await handler.HandleAsync(request, cancel);
        }
#pragma warning disable CA1031 // A bug in one kind of request must not look like a node that is gone.
        catch (Exception e) when (!cancel.IsCancellationRequested)
#pragma warning restore CA1031
        {
            log.LogError(e, "a request of the kind {Kind} failed", kind);
            throw new HandlerFailedException($"the request failed: {e.GetType().Name}");
        }
    }

    private static byte[] Bounded(NodeReply reply)
    {
        var body = NodeCodec.Write(reply);
        return body.Length <= ClusterLimits.BodyBytes ? body : NodeCodec.Write(new NodeRefusal($"the answer has {body.Length} bytes, more than nodes send each other; ask for less"));
    }

    private Task RefuseAsync(HttpContext context, int status, string outcome, string why, CancellationToken cancel)
    {
        counters.Requests.Increment(UnknownKind, outcome);
        return WriteAsync(context, status, "text/plain", Encoding.UTF8.GetBytes(why), cancel);
    }

    private static async Task WriteAsync(HttpContext context, int status, string type, byte[] body, CancellationToken cancel)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, cancel);
    }

    private sealed class HandlerFailedException(string message) : Exception(message);
}
