using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Tests.Simulation;

/// <summary>The journal's calls, as faults name them.</summary>
internal enum JournalCall
{
    Settings,
    Claim,
    Read,
    Append,
    Snapshot,
    Reply,
    Feed,
    Release,
    Join,
    Heartbeat,
    Leave,
    Ownership,
}

/// <summary>What goes wrong with a call.</summary>
internal enum FaultKind
{
    None,

    /// <summary>It fails, and nothing happened.</summary>
    Unavailable,

    /// <summary>A call has its effect, and its caller does not learn of it.</summary>
    DoubtAfter,

    /// <summary>An append does not happen, and its caller cannot tell.</summary>
    DoubtBefore,

    /// <summary>A rival claims the streams just before.</summary>
    FencedOut,

    /// <summary>The lease tables refuse the append.</summary>
    GuardRefused,
}

/// <summary>One call's fate: how long it takes before and after it has its effect, and how it ends.</summary>
internal sealed record JournalFault(FaultKind Kind = FaultKind.None, TimeSpan Before = default, TimeSpan After = default, Task? Gate = null);

/// <summary>Decides the fate of calls: those that a test injected first, then a rule.</summary>
internal sealed class JournalFaults
{
    private static readonly JournalFault _none = new();
    private readonly Dictionary<JournalCall, Queue<JournalFault>> _injected = [];

    /// <summary>Asked when nothing is injected; null for no faults.</summary>
    public Func<JournalCall, JournalFault>? Rule { get; set; }

    /// <summary>How often each call was made.</summary>
    public Dictionary<JournalCall, int> Calls { get; } = Enum.GetValues<JournalCall>().ToDictionary(c => c, _ => 0);

    /// <summary>Every append that was asked for, while they are kept.</summary>
    public List<AppendRequest> Appends { get; } = [];

    public void Inject(JournalCall call, params ReadOnlySpan<JournalFault> faults)
    {
        if (!_injected.TryGetValue(call, out var queue)) _injected.Add(call, queue = new Queue<JournalFault>());
        foreach (var fault in faults) queue.Enqueue(fault);
    }

    public void Inject(JournalCall call, FaultKind kind) => Inject(call, new JournalFault(kind));

    public JournalFault Next(JournalCall call)
    {
        Calls[call]++;
        return _injected.TryGetValue(call, out var queue) && queue.TryDequeue(out var fault) ? fault : Rule?.Invoke(call) ?? _none;
    }
}
