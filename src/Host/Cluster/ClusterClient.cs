using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Cluster;

/// <summary>
/// Asks other nodes over HTTP/2, on kept connections. Each ask has its own deadline; a connection on which nothing came back by then is given up, as
/// something in between may swallow what is sent and never say so.
/// </summary>
public sealed class ClusterClient : INodeClient, IDisposable
{
    private readonly ConcurrentDictionary<string, NodeLink> _links = new(StringComparer.OrdinalIgnoreCase);
    private readonly AskCounters _counters = new();
    private readonly MessageSeal _seal;
    private readonly ClusterTls? _tls;
    private readonly IPAddress? _source;
    private readonly TimeSpan _heartbeat;
    private readonly TimeSpan _lease;
    private readonly TimeProvider _time;
    private volatile bool _isStopped;

    /// <summary>Connects to nobody before the first ask.</summary>
    /// <param name="settings">With <c>Secret</c> set. Connections leave from the address of <c>Listen</c> unless that is a wildcard: nodes of several networks and tests rely on it.</param>
    /// <param name="tls">Null for traffic in the clear. Stays the caller's.</param>
    /// <param name="time">For deadlines.</param>
    public ClusterClient(ClusterSettings settings, ClusterTls? tls, TimeProvider time)
    {
        if (!settings.Secret.IsSet) throw new ArgumentException("cluster.secret must be set", nameof(settings));
        _seal = new MessageSeal(settings.Secret);
        _tls = tls;
        _source = settings.Listen is { } listen && !AddressReaders.IsWildcard(listen.Address) ? listen.Address : null;
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
            if (deadline <= TimeSpan.Zero) throw new MeshUnavailableException($"there is no time left to ask the node {address}");
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
                if (!timer.IsCancellationRequested) throw new MeshUnavailableException($"the node {address} cannot be asked: {Reason(e)}", e);
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
            _counters.Asked(NodeCodec.KindOf(request), outcome, _time.GetElapsedTime(begin));
        }
    }

    /// <summary>For <see cref="MetricsRegistry.Register"/>.</summary>
    public void Collect(MetricsText text) => _counters.Collect(text);

    /// <summary>Asks under way end as they would have, then the connections are closed; new asks are refused.</summary>
    public void Dispose()
    {
        _isStopped = true;
        foreach (var link in _links.Values) link.GiveUp();
    }

    private async Task<NodeReply> ExchangeAsync(NodeLink link, string address, NodeRequest request, TimeSpan deadline, long begin, CancellationToken cancel)
    {
        var body = NodeCodec.Write(request);
        if (body.Length > ClusterLimits.BodyBytes) throw new MeshUnavailableException($"a request of {body.Length} bytes is too large for a node; ask for less at once");
        await link.Slots.WaitAsync(cancel);
        try
        {
            var left = deadline - _time.GetElapsedTime(begin);
            var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            var head = new AskHead("POST", link.Target.AbsolutePath, (int)Math.Clamp(left.TotalMilliseconds, 1, ClusterLimits.LongestDeadline.TotalMilliseconds), address, nonce, BodyMark.Of(body));
            using var message = MessageOf(link.Target, head, body);
            using var response = await link.SendAsync(message, cancel);
            var answer = await ReadAsync(response, address, nonce, cancel);
            // Only what carries the node's seal shows that it was the node.
            link.Heard();
            if (response.StatusCode != HttpStatusCode.OK) throw new MeshUnavailableException($"the node {address} did not take the request ({(int)response.StatusCode}): {Shown(answer)}");
            return NodeCodec.ReadReply(answer, out var problem) ?? throw new MeshUnavailableException($"the node {address} answered what this version does not understand: {problem}");
        }
        finally
        {
            link.Slots.Release();
        }
    }

    private HttpRequestMessage MessageOf(Uri target, AskHead head, byte[] body)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, target) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body) };
        message.Headers.TryAddWithoutValidation(AskHead.AuthHeader, AskHead.AuthOfRequest(head.Nonce, _seal.OfRequest(head)));
        message.Headers.TryAddWithoutValidation(AskHead.BodyHeader, head.Body.ToString());
        message.Headers.TryAddWithoutValidation(AskHead.DeadlineHeader, head.DeadlineMs.ToString(CultureInfo.InvariantCulture));
        message.Headers.TryAddWithoutValidation(AskHead.TargetHeader, head.Target);
        return message;
    }

    /// <summary>The reply's body, once it is known to be the node's answer to this request.</summary>
    private async Task<byte[]> ReadAsync(HttpResponseMessage response, string address, string nonce, CancellationToken cancel)
    {
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            throw new MeshUnavailableException($"the node {address} does not take this node for one of its cluster: cluster.secret differs, or the address is not the one that it advertises (its log says)");
        if (AskHead.SealOfReply(Header(response, AskHead.AuthHeader)) is not { } shown || !BodyMark.TryParse(Header(response, AskHead.BodyHeader), out var mark)
            || !MessageSeal.Same(_seal.OfReply(nonce, (int)response.StatusCode, mark), shown))
            throw new MeshUnavailableException($"what answers at {address} ({(int)response.StatusCode}) does not prove that it is a node of this cluster");
        if (mark.Bytes > ClusterLimits.BodyBytes) throw new MeshUnavailableException($"the node {address} answered with {mark.Bytes} bytes, more than nodes send each other");
        var body = new byte[mark.Bytes];
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        await stream.ReadExactlyAsync(body, cancel);
        return BodyMark.Of(body) == mark ? body : throw new MeshUnavailableException($"the answer of the node {address} was changed on its way");
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
        if (_isStopped) throw new MeshUnavailableException("this node is stopping");
        if (!Uri.TryCreate($"{(_tls is null ? "http" : "https")}://{address}{AskHead.Route}", UriKind.Absolute, out var target)
            || target.AbsolutePath != AskHead.Route || target.UserInfo.Length > 0 || target.Query.Length > 0 || target.Fragment.Length > 0)
            throw new MeshUnavailableException($"'{address}' is not HOST:PORT of a node");
        if (_links.Count >= ClusterLimits.Links)
        {
            foreach (var idle in _links.Where(l => l.Value.IsIdle))
            {
                if (_links.TryRemove(idle)) idle.Value.GiveUp();
            }
            if (_links.Count >= ClusterLimits.Links) throw new MeshUnavailableException($"connections to {ClusterLimits.Links} nodes are in use already");
        }
        var mine = new NodeLink(target, _tls, _source, _heartbeat, _lease);
        var kept = _links.GetOrAdd(address, mine);
        if (kept != mine) mine.GiveUp();
        return kept;
    }

    private void GiveUp(string address, NodeLink link)
    {
        if (!_links.TryRemove(KeyValuePair.Create(address, link))) return;
        _counters.Stalls.Increment();
        link.GiveUp();
    }

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    private static string Shown(byte[] text) => Encoding.UTF8.GetString(text.AsSpan(0, Math.Min(text.Length, ClusterLimits.ShownChars)));

    private static string Reason(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is AuthenticationException) return "its certificate is not of the configured authority, or is for another host";
            if (inner is TimeoutException) return $"no connection within {ClusterLimits.ConnectTimeout.TotalSeconds} s";
        }
        return e.GetBaseException().Message;
    }
}
