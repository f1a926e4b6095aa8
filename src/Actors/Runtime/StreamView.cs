using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Runtime;

/// <summary>
/// What an owner shows of its stream: the state after the last commit, and the fence that stands for it. The state is passive while nobody needs it:
/// packed, and made anew for the next reader (docs/adr/0020). Safe for any thread.
/// </summary>
public sealed class StreamView<TState> where TState : class
{
    private readonly Passivation<TState> _passivation;
    private readonly Lock _restoring = new();
    private TState? _state;
    private PackedSnapshot? _packed;
    private bool _isUsed;

    internal StreamView(Passivation<TState> passivation, TState? state, PackedSnapshot? packed, Fence fence)
    {
        _passivation = passivation;
        _state = state;
        _packed = packed;
        Fence = fence;
    }

    /// <summary>What the owner writes under.</summary>
    public Fence Fence { get; }

    /// <summary>The state. Of a passive one the first reader waits until it is restored, tens of milliseconds for a large shard.</summary>
    /// <exception cref="MeshUnavailableException">The snapshot that it is to be restored from is damaged; the owner has been told to replay.</exception>
    public TState State
    {
        get
        {
            if (!Volatile.Read(ref _isUsed)) Volatile.Write(ref _isUsed, true);
            return Volatile.Read(ref _state) ?? Restore();
        }
    }

    /// <summary>True while the state is packed.</summary>
    internal bool IsPassive => Volatile.Read(ref _state) is null;

    /// <summary>Whether somebody has asked for the state since this was last asked.</summary>
    internal bool TakeUse() => Interlocked.Exchange(ref _isUsed, false);

    /// <summary>The state if it is still to be packed; null when what it was restored from, or packed to before, is here.</summary>
    internal TState? Unpacked => _packed is null ? _state : null;

    /// <summary>Lets the objects go. A reader that has them keeps them.</summary>
    /// <param name="packed">The state's snapshot; null when <see cref="Unpacked"/> is.</param>
    internal void Passivate(PackedSnapshot? packed)
    {
        lock (_restoring)
        {
            // A state never changes, so neither does its snapshot.
            _packed ??= packed;
            Volatile.Write(ref _state, null);
        }
    }

    private TState Restore()
    {
        lock (_restoring)
        {
            if (_state is { } restored) return restored;
            var state = _passivation.Restore(this, _packed!);
            Volatile.Write(ref _state, state);
            return state;
        }
    }
}
