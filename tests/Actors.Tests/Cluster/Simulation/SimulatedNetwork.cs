using System.Text.Json;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>
/// The way between nodes: messages take time, get lost, come late or twice, and a pair of nodes can be parted in one direction or both. A node that has crashed
/// neither sends nor receives; one that is held does so when it goes on.
/// </summary>
internal sealed class SimulatedNetwork(Simulated world, Random random)
{
    private static readonly TimeSpan _latest = TimeSpan.FromSeconds(8);

    private readonly Dictionary<string, (NodeLife Life, INodeServer Server)> _servers = [];
    private readonly HashSet<(string From, string To)> _parted = [];

    /// <summary>Of a thousand messages so many are lost.</summary>
    public int LostPerMille { get; set; }

    /// <summary>Of a thousand messages so many come late.</summary>
    public int LatePerMille { get; set; }

    /// <summary>What a message takes at most when all is well, milliseconds.</summary>
    public int LatencyMs { get; set; } = 2;

    /// <summary>Lets a node be asked at an address, from now on instead of whoever was there.</summary>
    public void Serve(string address, NodeLife life, INodeServer server) => _servers[address] = (life, server);

    /// <summary>The way out of a node.</summary>
    public INodeClient ClientOf(string address, NodeLife life, TimeProvider time) => new Client(this, address, life, time);

    /// <summary>Cuts the way from one node to another.</summary>
    public void Part(string from, string to) => _parted.Add((from, to));

    /// <summary>Opens it again.</summary>
    public void Join(string from, string to) => _parted.Remove((from, to));

    /// <summary>No more faults.</summary>
    public void Heal()
    {
        _parted.Clear();
        (LostPerMille, LatePerMille, LatencyMs) = (0, 0, 2);
    }

    /// <summary>Keeps a request on its way for as long as a test likes; null for no test.</summary>
    public Func<NodeRequest, Task>? Hold { get; set; }

    /// <summary>Loses the replies to some requests; null for no test.</summary>
    public Func<NodeRequest, bool>? LosesReply { get; set; }

    /// <summary>Changes that one node forwarded to another.</summary>
    public int Forwarded { get; private set; }

    /// <summary>What went wrong on the way that must never.</summary>
    public List<Exception> Failures { get; } = [];

    private async Task DeliverAsync(string from, NodeLife sender, string to, NodeRequest request, TaskCompletionSource<NodeReply> reply)
    {
        try { await CarryAsync(from, sender, to, request, reply); }
        catch (Exception e) { Failures.Add(e); }
    }

    private async Task CarryAsync(string from, NodeLife sender, string to, NodeRequest request, TaskCompletionSource<NodeReply> reply)
    {
        await sender.RunningAsync();
        if (!await TravelAsync(from, to)) return;
        if (!_servers.TryGetValue(to, out var target) || target.Life.IsCrashed)
        {
            // Nobody listens there: refused at once, when the host is up.
            if (random.Next(3) == 0 || !await TravelAsync(to, from)) return;
            await sender.RunningAsync();
            reply.TrySetException(new MeshUnavailableException($"{to} refuses connections"));
            return;
        }
        if (Hold is { } hold) await hold(request);
        await target.Life.RunningAsync();
        if (request is ForwardChange) Forwarded++;
        var answer = await target.Server.HandleAsync(Wire(request), CancellationToken.None);
        await target.Life.RunningAsync();
        if (LosesReply?.Invoke(request) is true || !await TravelAsync(to, from)) return;
        await sender.RunningAsync();
        reply.TrySetResult(Wire(answer));
    }

    private async Task<bool> TravelAsync(string from, string to)
    {
        if (_parted.Contains((from, to)) || random.Next(1000) < LostPerMille) return false;
        var time = TimeSpan.FromMilliseconds(random.Next(1000) < LatePerMille ? random.Next((int)_latest.TotalMilliseconds) : random.Next(LatencyMs + 1));
        if (time > TimeSpan.Zero) await Task.Delay(time, world.Clock);
        else await Task.Yield();
        return !_parted.Contains((from, to));
    }

    // Some go through their wire form, which must not change what they say.
    private NodeRequest Wire(NodeRequest request) => random.Next(64) != 0 ? request
        : JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(request, NodeJson.Default.NodeRequest), NodeJson.Default.NodeRequest)!;

    private NodeReply Wire(NodeReply reply) => random.Next(64) != 0 ? reply
        : JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(reply, NodeJson.Default.NodeReply), NodeJson.Default.NodeReply)!;

    private sealed class Client(SimulatedNetwork network, string address, NodeLife life, TimeProvider time) : INodeClient
    {
        public async Task<NodeReply> AskAsync(string target, NodeRequest request, TimeSpan deadline, CancellationToken cancel)
        {
            var reply = new TaskCompletionSource<NodeReply>(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = network.DeliverAsync(address, life, target, request, reply);
            // Whatever is safe to repeat may come twice, the second time when nobody waits for it any more. A forward never does: a node refuses a nonce that it
            // has seen, and what was refused once must not be carried out the second time.
            if (network.LatePerMille > 0 && request is not (ForwardChange or CarryChange { Request.IdempotencyKey: null }) && network.Dice(100)) _ = network.DeliverAsync(address, life, target, request, new TaskCompletionSource<NodeReply>());
            try { return await reply.WithinAsync(deadline, time, cancel); }
            catch (TimeoutException) { throw new MeshUnavailableException($"{target} did not answer a {request.GetType().Name}"); }
        }
    }

    private bool Dice(int sides) => random.Next(sides) == 0;
}
