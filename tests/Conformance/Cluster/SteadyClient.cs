using System.Collections.Concurrent;
using System.Net;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Cluster;

/// <summary>
/// Asks for names whose addresses are known, one query after the other, until it is stopped. Each query goes to a list of servers, the next one
/// when the one before does not answer, as resolvers do; a query that none answers, or one of them wrongly, is a failure.
/// </summary>
internal sealed class SteadyClient : IAsyncDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(2);

    private readonly Dictionary<IPEndPoint, UdpAsker> _askers = [];
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly TaskCompletionSource _begun = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private Func<int, IPEndPoint[]> _servers;
    private int _asked;

    private SteadyClient(Dictionary<string, string> vips, Func<int, IPEndPoint[]> servers, TimeSpan patience)
    {
        _servers = servers;
        _loop = Task.Run(() => AskAsync([.. vips], patience));
    }

    /// <summary>A client that knows one server a query, in turn, and never asks twice.</summary>
    public static SteadyClient Alternating(Dictionary<string, string> vips, params NodeProcess[] nodes) => new(vips, InTurn(nodes), TimeSpan.FromSeconds(5));

    /// <summary>A client that begins with another server each time and goes to the next when one does not answer.</summary>
    public static SteadyClient Retrying(Dictionary<string, string> vips, params NodeProcess[] nodes)
    {
        IPEndPoint[] servers = [.. nodes.Select(node => node.Dns)];
        return new SteadyClient(vips, i => [.. servers.Skip(i % servers.Length), .. servers.Take(i % servers.Length)], TimeSpan.FromSeconds(2));
    }

    /// <summary>From the next query on an alternating client asks these; returns when the last query to the others is over.</summary>
    public async Task GoOverToAsync(params NodeProcess[] nodes)
    {
        Volatile.Write(ref _servers, InTurn(nodes));
        for (var asked = Volatile.Read(ref _asked); Volatile.Read(ref _asked) == asked && !_loop.IsCompleted;) await Task.Delay(_pause);
    }

    /// <summary>Waits until it has asked this many more.</summary>
    public async Task AskMoreAsync(int queries)
    {
        await _begun.Task;
        for (var asked = Volatile.Read(ref _asked); Volatile.Read(ref _asked) < asked + queries && !_loop.IsCompleted;) await Task.Delay(_pause);
    }

    /// <summary>Stops it; none of its queries may have failed.</summary>
    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        Assert.True(_asked > 0);
        Assert.Empty(_failures);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        foreach (var asker in _askers.Values) asker.Dispose();
        _stop.Dispose();
    }

    private static Func<int, IPEndPoint[]> InTurn(NodeProcess[] nodes)
    {
        IPEndPoint[] servers = [.. nodes.Select(node => node.Dns)];
        return i => [servers[i % servers.Length]];
    }

    private async Task AskAsync(KeyValuePair<string, string>[] vips, TimeSpan patience)
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var (name, vip) = vips[i % vips.Length];
            var servers = Volatile.Read(ref _servers)(i);
            UdpAnswer? answer = null;
            foreach (var server in servers)
            {
                if (!_askers.TryGetValue(server, out var asker)) _askers.Add(server, asker = new UdpAsker(server));
                answer = await asker.AskAsync(name, patience);
                if (answer is not null) break;
            }
            if (answer?.ToString() != $"NoError {vip}") _failures.Enqueue($"{DateTimeOffset.UtcNow:HH:mm:ss.fff} {name} at {string.Join<IPEndPoint>(", ", servers)}: {answer?.ToString() ?? "no answer"}");
            Interlocked.Increment(ref _asked);
            _begun.TrySetResult();
            await Task.Delay(_pause);
        }
    }
}
