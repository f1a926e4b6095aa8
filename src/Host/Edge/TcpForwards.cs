using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// Places for TCP queries that wait for an upstream, of all connections, shared fairly (docs/adr/0022-fair-places.md): when there is none, whoever holds more than a newcomer
/// makes room. Any thread.
/// </summary>
/// <param name="capacity">How many.</param>
internal sealed class TcpForwards(int capacity)
{
    private readonly Lock _gate = new();
    private readonly FairPlaces<TcpForward> _held = new(capacity);
    private readonly SemaphoreSlim _free = new(capacity);

    /// <summary>Takes a place, until it is disposed; null when there is none in time.</summary>
    /// <param name="party">To whom it counts.</param>
    /// <param name="patience">How long to wait for one while nobody heavier has to make room.</param>
    /// <param name="cancel">Gives up, before and after.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled; nothing was taken.</exception>
    public async ValueTask<TcpForward?> EnterAsync(Party party, TimeSpan patience, CancellationToken cancel)
    {
        if (!_free.Wait(0, cancel) && !TryDisplace(party) && !await _free.WaitAsync(patience, cancel)) return null;
        var place = new TcpForward(this, party, cancel);
        lock (_gate) _held.Enter(place);
        return place;
    }

    /// <summary>Gives a place back, if it is not somebody else's by now.</summary>
    public void Leave(TcpForward place)
    {
        lock (_gate)
        {
            if (place.IsDisplaced) return;
            _held.Leave(place);
        }
        _free.Release();
    }

    // The place goes from one to the other, and is free for nobody in between.
    private bool TryDisplace(Party newcomer)
    {
        lock (_gate)
        {
            if (_held.FindHeavier(newcomer) is not { } heavier) return false;
            _held.Leave(heavier);
            heavier.Displace();
            return true;
        }
    }
}

/// <summary>The place of one query.</summary>
internal sealed class TcpForward(TcpForwards places, Party party, CancellationToken cancel) : IPlaced, IDisposable
{
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(cancel);

    /// <summary>Cancelled when the place is somebody else's, and when whoever took it gives up.</summary>
    public CancellationToken Displaced => _end.Token;

    /// <summary>True once the place is somebody else's.</summary>
    public bool IsDisplaced { get; private set; }

    /// <inheritdoc/>
    public Party Party { get; set; } = party;

    /// <inheritdoc/>
    public int Place { get; set; }

    /// <summary>Tells whoever holds it. Those that wait for the token run elsewhere: the caller holds a lock.</summary>
    public void Displace()
    {
        IsDisplaced = true;
        _ = _end.CancelAsync();
    }

    public void Dispose()
    {
        places.Leave(this);
        _end.Dispose();
    }
}
