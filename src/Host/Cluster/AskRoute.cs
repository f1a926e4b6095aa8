using System.Text;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Cluster;

/// <summary>
/// One request of another node, in this order: who asks (from the head alone, 401 otherwise), whether there is room, the body, what it asks, the
/// answer. What is not authenticated is answered without a seal and without a reason.
/// </summary>
internal sealed class AskRoute(MessageSeal seal, AskAdmission admission, RequestCounters counters, TimeProvider time, ILogger log)
{
    private const string UnknownKind = "unknown";

    private readonly SeenNonces _nonces = new(ClusterLimits.Nonces);
    private readonly Rejections _rejections = new("cluster traffic", counters.Rejected, time, log);
    private INodeServer? _handler;

    /// <summary>The address under which nodes ask this one; set once it is known, before the first request.</summary>
    public string Address { get; set; } = "";

    /// <summary>Carries requests out from here on.</summary>
    public void Serve(INodeServer handler) => Volatile.Write(ref _handler, handler);

    public void RejectCertificate(string from) => _rejections.Add("certificate", from, "it shows no certificate of the configured authority");

    public async Task InvokeAsync(HttpContext context)
    {
        if (!Authenticate(context, out var head))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(Math.Min(head.DeadlineMs, ClusterLimits.LongestDeadline.TotalMilliseconds)), time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        try
        {
            await AnswerAsync(context, head, ended.Token);
        }
        // Whoever asked has stopped waiting; an answer would be about nothing.
        catch (Exception e) when (ended.IsCancellationRequested || e is IOException or BadHttpRequestException)
        {
            counters.Served(UnknownKind, "abandoned");
            context.Abort();
        }
    }

    private bool Authenticate(HttpContext context, out AskHead head)
    {
        var request = context.Request;
        if (!AskHead.TryRead(request.Method, request.Path.Value ?? "", name => request.Headers[name], out head, out var shown))
            return Reject("seal_missing", "it is not sealed with a cluster secret");
        if (!MessageSeal.Same(seal.OfRequest(head), shown))
            return Reject("seal_wrong", "its seal is wrong; is cluster.secret the same on all nodes?");
        if (!head.Target.Equals(Address, StringComparison.OrdinalIgnoreCase))
            return Reject("target", $"it asks {head.Target}, but this node advertises {Address}");
        return _nonces.TryAdd(head.Nonce) || Reject("replay", "it was sent before");

        bool Reject(string reason, string hint)
        {
            _rejections.Add(reason, context.Connection.RemoteIpAddress?.ToString() ?? "unknown", hint);
            return false;
        }
    }

    private async Task AnswerAsync(HttpContext context, AskHead head, CancellationToken cancel)
    {
        if (head.Method != HttpMethods.Post || head.Path != AskHead.Route)
        {
            await RefuseAsync(context, head, StatusCodes.Status404NotFound, "malformed", $"there is only POST {AskHead.Route}", cancel);
            return;
        }
        if (head.Body.Bytes > ClusterLimits.BodyBytes)
        {
            await RefuseAsync(context, head, StatusCodes.Status413PayloadTooLarge, "malformed", $"a request has at most {ClusterLimits.BodyBytes} bytes", cancel);
            return;
        }
        if (!admission.TryEnter(head.Body.Bytes))
        {
            await RefuseAsync(context, head, StatusCodes.Status503ServiceUnavailable, "busy", "too many requests are under way", cancel);
            return;
        }
        try
        {
            await CarryOutAsync(context, head, cancel);
        }
        finally
        {
            admission.Leave(head.Body.Bytes);
        }
    }

    private async Task CarryOutAsync(HttpContext context, AskHead head, CancellationToken cancel)
    {
        if (await ReadBodyAsync(context.Request.Body, head.Body, cancel) is not { } body)
        {
            _rejections.Add("body", context.Connection.RemoteIpAddress?.ToString() ?? "unknown", "its body is not the one that was sealed");
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        if (NodeCodec.ReadRequest(body, out var problem) is not { } request)
        {
            await RefuseAsync(context, head, StatusCodes.Status400BadRequest, "malformed", $"this version does not understand the request: {problem}", cancel);
            return;
        }
        var kind = NodeCodec.KindOf(request);
        var outcome = "abandoned";
        try
        {
            var reply = Volatile.Read(ref _handler) is { } handler ? await HandleAsync(handler, request, kind, cancel) : new NodeRefusal(NodeFault.Unavailable, "the node is starting");
            await WriteAsync(context, head, StatusCodes.Status200OK, "application/json", Bounded(reply), cancel);
            outcome = reply is NodeRefusal ? "refused" : "done";
        }
        catch (HandlerFailedException e)
        {
            outcome = "failed";
            await WriteAsync(context, head, StatusCodes.Status500InternalServerError, "text/plain", Encoding.UTF8.GetBytes(e.Message), cancel);
        }
        catch (Exception e) when (cancel.IsCancellationRequested || e is IOException)
        {
            context.Abort();
        }
        finally
        {
            counters.Served(kind, outcome);
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

    /// <summary>The body, or null when it is not the one that the head names.</summary>
    private static async Task<byte[]?> ReadBodyAsync(Stream stream, BodyMark mark, CancellationToken cancel)
    {
        var body = new byte[mark.Bytes];
        if (await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancel) < body.Length) return null;
        var isOver = await stream.ReadAsync(new byte[1], cancel) == 0;
        return isOver && BodyMark.Of(body) == mark ? body : null;
    }

    private static byte[] Bounded(NodeReply reply)
    {
        var body = NodeCodec.Write(reply);
        return body.Length <= ClusterLimits.BodyBytes ? body : NodeCodec.Write(new NodeRefusal(NodeFault.Unavailable, $"the answer has {body.Length} bytes, more than nodes send each other; ask for less"));
    }

    private Task RefuseAsync(HttpContext context, AskHead head, int status, string outcome, string why, CancellationToken cancel)
    {
        counters.Served(UnknownKind, outcome);
        return WriteAsync(context, head, status, "text/plain", Encoding.UTF8.GetBytes(why), cancel);
    }

    private async Task WriteAsync(HttpContext context, AskHead head, int status, string type, byte[] body, CancellationToken cancel)
    {
        var mark = BodyMark.Of(body);
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = body.Length;
        response.Headers[AskHead.AuthHeader] = AskHead.AuthOfReply(seal.OfReply(head.Nonce, status, mark));
        response.Headers[AskHead.BodyHeader] = mark.ToString();
        await response.Body.WriteAsync(body, cancel);
    }

    private sealed class HandlerFailedException(string message) : Exception(message);
}
