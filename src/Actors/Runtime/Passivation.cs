using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Runtime;

/// <summary>When a stream's state is to be let go, and how it comes back (docs/adr/0020).</summary>
/// <param name="system">The clock, and the jitter: many streams become active at once, and packing them all at once would be felt.</param>
/// <param name="after">A state that nobody used for so long, at most three times, is let go; null for never.</param>
/// <param name="snapshot">Makes a snapshot of a state.</param>
/// <param name="restore">Makes a state of its snapshot.</param>
/// <param name="snapshots">Where snapshots are written.</param>
/// <param name="tell">Tells the stream's actor, on any thread: <see cref="LookAtUse"/> again and again while a state is active, <see cref="SnapshotDamaged"/>.</param>
internal sealed class Passivation<TState>(ActorSystem system, TimeSpan? after, Func<TState, byte[]> snapshot, Func<byte[], TState> restore, StreamSnapshots snapshots, Action<object> tell) : IDisposable
    where TState : class
{
    // What a replay has made is rarely asked for at once.
    private static readonly TimeSpan _afterReplay = TimeSpan.FromSeconds(2);

    private readonly ITimer? _timer = after is null ? null : system.Time.CreateTimer(_ => tell(new LookAtUse()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>True when states may be passive.</summary>
    public bool IsOn => after is not null;

    /// <summary>The view of a state that a replay made.</summary>
    public StreamView<TState> Replayed(TState state, Fence fence) => Active(state, fence, _afterReplay);

    /// <summary>The view of a state that a change made.</summary>
    public StreamView<TState> Changed(TState state, Fence fence) => Active(state, fence, after ?? default);

    /// <summary>The view of a snapshot that nobody has read yet.</summary>
    public StreamView<TState> Passive(byte[] unread, Fence fence)
    {
        Rest();
        return new StreamView<TState>(this, null, PackedSnapshot.Of(unread), fence);
    }

    /// <summary>Packs a state that was not used since the last look; the bytes of its snapshot, or 0. For the stream's actor.</summary>
    public int LetGoIfIdle(StreamView<TState> view)
    {
        // The timer comes again for a state that is in use.
        if (view.IsPassive || view.TakeUse()) return 0;
        // First, so that whoever needs the state again meanwhile finds the timer as he leaves it.
        Rest();
        if (view.Unpacked is not { } state)
        {
            view.Passivate(null);
            return 0;
        }
        var made = snapshot(state);
        // The next start then has it to begin with.
        if (snapshots.IsWorthSaving(view.Fence.Seq, made)) snapshots.Save(view.Fence, made);
        view.Passivate(PackedSnapshot.Of(made));
        return made.Length;
    }

    /// <summary>No more looks, until a state is active again.</summary>
    public void Rest() => _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>A passive state is needed.</summary>
    /// <exception cref="MeshUnavailableException">The snapshot is damaged.</exception>
    public TState Restore(StreamView<TState> view, PackedSnapshot packed)
    {
        try
        {
            var state = restore(packed.Unpack());
            Watch(after ?? default);
            return state;
        }
        catch (FormatException e)
        {
            tell(new SnapshotDamaged(view, e));
            throw new MeshUnavailableException($"{view.Fence.Stream} is replayed, because its snapshot cannot be read");
        }
    }

    public void Dispose() => _timer?.Dispose();

    private StreamView<TState> Active(TState state, Fence fence, TimeSpan first)
    {
        Watch(first);
        return new StreamView<TState>(this, state, null, fence);
    }

    private void Watch(TimeSpan first)
    {
        if (after is { } period) _timer!.Change((first < period ? first : period) * (1 + system.NextFraction()), period);
    }
}
