namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>The way between nodes: messages take time, get lost, come late, twice and out of order, and pairs of nodes can be parted in one direction or both.</summary>
internal sealed class LogNetwork(LogWorld world, Random random)
{
    private const int LatestMs = 8000;

    private readonly HashSet<(string From, string To)> _parted = [];

    public int LostPerMille { get; set; }

    public int LatePerMille { get; set; }

    public int LatencyMs { get; set; } = 2;

    public void Part(string from, string to) => _parted.Add((from, to));

    public void Join(string from, string to) => _parted.Remove((from, to));

    public void Heal()
    {
        _parted.Clear();
        (LostPerMille, LatePerMille, LatencyMs) = (0, 0, 2);
    }

    /// <summary>Sends; whoever has that name when it arrives gets it, if it gets there.</summary>
    public void Send(string from, string to, Action<LogNode> deliver)
    {
        Carry(from, to, deliver);
        if (LatePerMille > 0 && random.Next(50) == 0) Carry(from, to, deliver);
    }

    private void Carry(string from, string to, Action<LogNode> deliver)
    {
        if (from != to && (_parted.Contains((from, to)) || random.Next(1000) < LostPerMille)) return;
        var delay = from == to ? 0 : random.Next(1000) < LatePerMille ? random.Next(LatestMs) : random.Next(LatencyMs + 1);
        world.Agenda.After(delay, () =>
        {
            if ((from != to && _parted.Contains((from, to))) || !world.Nodes.TryGetValue(to, out var node)) return;
            node.Process.Run(() => deliver(node));
        });
    }
}
