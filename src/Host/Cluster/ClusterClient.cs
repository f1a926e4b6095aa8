using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Authentication;
using System.Text;
using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cluster;

/// <summary>
/// Asks other nodes over HTTP/2, on kept connections. Each ask has its own deadline; a connection on which nothing came back by then is given up, as
/// something in between may swallow what is sent and never say so.
/// </summary>
public sealed class ClusterClient : INodeClient, IDisposable
{
    private readonly ConcurrentDictionary<string, NodeLink> _links = new(StringComparer.OrdinalIgnoreCase);
    private readonly ClusterTls _tls;
    private readonly TimeSpan _heartbeat;
    private readonly TimeSpan _lease;
    private readonly TimeProvider _time;
    private volatile bool _isStopped;

    /// <summary>Connects to nobody before the first ask.</summary>
    /// <param name="settings">How often connections are looked at, and when they are given up.</param>
    /// <param name="tls">What this node shows and trusts. Stays the caller's.</param>
    /// <param name="time">For deadlines.</param>
    public ClusterClient(ClusterSettings settings, ClusterTls tls, TimeProvider time)
    {
        _tls = tls;
        _heartbeat = settings.Heartbeat;
        _lease = settings.Lease;
        _time = time;
    }

    /// <inheritdoc/>
    public async Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var begin = _time.GetTimestamp();
        var outcome = "failed";
        try
        {
            if (deadline <= TimeSpan.Zero) throw new NotSentException($"there is no time left to ask the node {address}");
            using var timer = new CancellationTokenSource(deadline < ClusterLimits.LongestDeadline ? deadline : ClusterLimits.LongestDeadline, _time);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
            var link = Enter(address);
            var heard = link.Replies;
            try
            {
                var reply = await ExchangeAsync(link, address, request, deadline, begin, ended.Token);
                outcome = reply is NodeRefusal ? "refused" : "done";
                return reply;
            }
            catch (Exception e) when (e is not MeshUnavailableException)
            {
                cancel.ThrowIfCancellationRequested();
                if (!timer.IsCancellationRequested) throw IsBeforeSending(e) ? new NotSentException($"the node {address} cannot be asked: {Reason(e)}", e) : new MeshUnavailableException($"the node {address} cannot be asked: {Reason(e)}", e);
                outcome = "timeout";
                if (link.Replies == heard) GiveUp(address, link);
                throw new MeshUnavailableException(string.Create(CultureInfo.InvariantCulture, $"the node {address} did not answer within {deadline.TotalMilliseconds:F0} ms"), e);
            }
            finally
            {
                link.Leave();
            }
        }
        catch (OperationCanceledException)
        {
            outcome = "cancelled";
            throw;
        }
        finally
        {
            Counters.Asked(NodeCodec.KindOf(request), outcome, _time.GetElapsedTime(begin));
        }
    }

    /// <summary>What it counts.</summary>
    internal AskCounters Counters { get; } = new();

    /// <summary>Asks under way end as they would have, then the connections are closed; new asks are refused.</summary>
    public void Dispose()
    {
        _isStopped = true;
        foreach (var link in _links.Values) link.GiveUp();
    }

    private async Task<NodeReply> ExchangeAsync(NodeLink link, string address, NodeRequest request, TimeSpan deadline, long begin, CancellationToken cancel)
    {
        var body = NodeCodec.Write(request);
        if (body.Length > ClusterLimits.BodyBytes) throw new NotSentException($"a request of {body.Length} bytes is too large for a node; ask for less at once");
        await link.Slots.WaitAsync(cancel);
        try
        {
            var left = deadline - _time.GetElapsedTime(begin);
            var head = new AskHead((int)Math.Clamp(left.TotalMilliseconds, 1, ClusterLimits.LongestDeadline.TotalMilliseconds));
            using var message = MessageOf(link.Target, head, body);
            using var response = await link.SendAsync(message, cancel);
            link.Heard();
            var answer = await ReadAsync(response, address, cancel);
            if (response.StatusCode == HttpStatusCode.InternalServerError) throw new MeshUnavailableException($"the node {address} failed at the request (500): {Shown(answer)}");
            if (response.StatusCode != HttpStatusCode.OK) throw new NotSentException($"the node {address} did not take the request ({(int)response.StatusCode}): {Shown(answer)}");
            return NodeCodec.ReadReply(answer, out var problem) ?? throw new MeshUnavailableException($"the node {address} answered what this version does not understand: {problem}");
        }
        finally
        {
            link.Slots.Release();
        }
    }

    private static HttpRequestMessage MessageOf(Uri target, AskHead head, byte[] body)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, target) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body) };
        message.Headers.TryAddWithoutValidation(AskHead.DeadlineHeader, head.DeadlineMs.ToString(CultureInfo.InvariantCulture));
        return message;
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, string address, CancellationToken cancel)
    {
        var length = response.Content.Headers.ContentLength ?? throw new MeshUnavailableException($"the node {address} does not say how long its answer is");
        if (length > ClusterLimits.BodyBytes) throw new MeshUnavailableException($"the node {address} answered with {length} bytes, more than nodes send each other");
        var body = new byte[length];
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        await stream.ReadExactlyAsync(body, cancel);
        return body;
    }

    // A link that was given up at this very moment is replaced at the next turn.
    private NodeLink Enter(string address)
    {
        while (true)
        {
            if (!_links.TryGetValue(address, out var link)) link = Add(address);
            if (link.TryEnter()) return link;
            _links.TryRemove(KeyValuePair.Create(address, link));
        }
    }

    private NodeLink Add(string address)
    {
        if (_isStopped) throw new NotSentException("this node is stopping");
        if (!Uri.TryCreate($"https://{address}{AskHead.Route}", UriKind.Absolute, out var target)
            || target.AbsolutePath != AskHead.Route || target.UserInfo.Length > 0 || target.Query.Length > 0 || target.Fragment.Length > 0)
            throw new NotSentException($"'{address}' is not HOST:PORT of a node");
        if (_links.Count >= ClusterLimits.Links)
        {
            foreach (var idle in _links.Where(l => l.Value.IsIdle))
            {
                if (_links.TryRemove(idle)) idle.Value.GiveUp();
            }
            if (_links.Count >= ClusterLimits.Links) throw new NotSentException($"connections to {ClusterLimits.Links} nodes are in use already");
        }
        var mine = new NodeLink(target, _tls, _heartbeat, _lease);
        var kept = _links.GetOrAdd(address, mine);
        if (kept != mine) mine.GiveUp();
        return kept;
    }

    private void GiveUp(string address, NodeLink link)
    {
        if (!_links.TryRemove(KeyValuePair.Create(address, link))) return;
        Counters.Stalls.Increment();
        link.GiveUp();
    }

    private static string Shown(byte[] text) => Encoding.UTF8.GetString(text.AsSpan(0, Math.Min(text.Length, ClusterLimits.ShownChars)));

    // What fails later may have been heard.
    private static bool IsBeforeSending(Exception e) =>
        e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError };

    private string Reason(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is AuthenticationException) return _tls.WhyNotTrusted;
            if (inner is TimeoutException) return $"no connection within {ClusterLimits.ConnectTimeout(_lease).TotalSeconds:0.#} s";
        }
        return e.GetBaseException().Message;
    }
}
