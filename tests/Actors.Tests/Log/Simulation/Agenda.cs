namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>What is to happen and when, in virtual milliseconds. One thread; what falls on the same moment happens in the order in which it was asked for.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private long _order;

    public long NowMs { get; private set; }

    public void At(long ms, Action what) => _events.Enqueue(what, (Math.Max(ms, NowMs), ++_order));

    public void After(long delayMs, Action what) => At(NowMs + delayMs, what);

    /// <summary>Lets time pass until a moment, whatever is still to come.</summary>
    public void RunUntil(long ms)
    {
        while (_events.TryPeek(out _, out var next) && next.At <= ms)
        {
            var what = _events.Dequeue();
            NowMs = next.At;
            what();
        }
        NowMs = ms;
    }
}
