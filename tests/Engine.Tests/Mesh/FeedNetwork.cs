using System.Collections.Concurrent;
using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>Hands what edges ask to owners' feeds by address, in this process; loses what a test wants lost.</summary>
internal sealed class FeedNetwork : INodeClient
{
    private readonly ConcurrentDictionary<string, INodeServer> _servers = new();

    /// <summary>Told of every question that is on its way.</summary>
    public Action<string, NodeRequest> Seen { get; set; } = (_, _) => { };

    /// <summary>Questions whose answer never comes, though they were carried out.</summary>
    public Func<string, NodeRequest, bool> LosesReply { get; set; } = (_, _) => false;

    /// <summary>Who asks never gets there.</summary>
    public Func<string, bool> IsCut { get; set; } = _ => false;

    public void Serve(string address, INodeServer server) => _servers[address] = server;

    public void Take(string address) => _servers.TryRemove(address, out _);

    public async Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (IsCut(address) || !_servers.TryGetValue(address, out var server)) throw new NotSentException($"nobody is at {address}");
        Seen(address, request);
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(deadline);
        try
        {
            var reply = await server.HandleAsync(request, timer.Token).WaitAsync(timer.Token);
            if (LosesReply(address, request)) await Task.Delay(Timeout.Infinite, timer.Token);
            return reply;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested) { throw new MeshUnavailableException($"{address} does not answer"); }
    }
}
