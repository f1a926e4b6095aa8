namespace MeshDns.Host.Telemetry;

/// <summary>
/// Tells whether a loop still turns: it says when it waits for work and when it has some. Two plain writes a turn by one thread, for a loop that handles 64
/// packets in it; nobody wakes it to ask.
/// </summary>
internal sealed class LoopBeat(string name)
{
    private long _turn;

    /// <summary>The loop's name.</summary>
    public string Name { get; } = name;

    /// <summary>Counts up with each change: odd while the loop has work.</summary>
    public long Turn => Volatile.Read(ref _turn);

    /// <summary>The loop waits, in the system, for as long as it takes.</summary>
    public void Waits() => Volatile.Write(ref _turn, (_turn | 1) + 1);

    /// <summary>The loop has something to do.</summary>
    public void Works() => Volatile.Write(ref _turn, _turn | 1);
}
