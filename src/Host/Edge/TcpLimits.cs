using System.Net;

namespace MeshDns.Host.Edge;

/// <summary>
/// How many TCP connections there may be, and how many bytes may be held for them, in all and for one address (RFC 7766 section 6.2.2). Shared by all
/// listeners.
/// </summary>
/// <param name="options">The bounds.</param>
/// <param name="time">The clock of patience.</param>
/// <param name="onEbb">Told when most of what was held has been given back, and how much it was: it is garbage by now.</param>
internal sealed class TcpLimits(EdgeOptions options, TimeProvider time, Action<long>? onEbb = null)
{
    /// <summary>How long a connection that holds next to nothing waits for others to read.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    // Who holds less has done nothing yet that could be held against it.
    private const int Little = 4096;

    private readonly Dictionary<IPAddress, TcpClientShare> _clients = [];
    private int _all;
    private long _flood;

    /// <summary>The bytes held for all connections.</summary>
    public ByteShare Node { get; } = new(options.MaxTcpBytes);

    /// <summary>Takes a place; null when there is none.</summary>
    public TcpPlace? TryEnter(IPAddress address)
    {
        lock (_clients)
        {
            if (_all >= options.MaxTcpConnections) return null;
            if (!_clients.TryGetValue(address, out var client)) client = new TcpClientShare(address, new ByteShare(options.MaxTcpBytesPerClient, Node));
            if (client.Places.Count >= options.MaxTcpConnectionsPerClient) return null;
            _all++;
            _clients[address] = client;
            var place = new TcpPlace(this, client, new ByteShare(options.MaxTcpBytesPerConnection, client.Bytes));
            client.Places.Add(place);
            return place;
        }
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(TcpPlace place)
    {
        var ebbed = 0L;
        lock (_clients)
        {
            if (Node.Held < _flood / 8) (ebbed, _flood) = (_flood, 0);
            _all--;
            place.Client.Places.Remove(place);
            if (place.Client.Places.Count == 0) _clients.Remove(place.Client.Address);
        }
        if (ebbed != 0) onEbb?.Invoke(ebbed);
    }

    /// <summary>
    /// Takes bytes for a connection. Where there is no room it waits: for as long as it takes, or, if it holds next to nothing itself, until its patience ends and
    /// others have to make room. Who reads makes room by that, within a moment.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; nothing was taken.</exception>
    public ValueTask TakeAsync(TcpPlace place, int bytes, CancellationToken cancel) => place.Bytes.TryTake(bytes, out var full) ? ValueTask.CompletedTask : TakeInTimeAsync(place, bytes, full!, cancel);

    private async ValueTask TakeInTimeAsync(TcpPlace place, int bytes, ByteShare full, CancellationToken cancel)
    {
        do
        {
            Volatile.Write(ref _flood, Math.Max(_flood, Node.Held));
            using var patience = new CancellationTokenSource(full == place.Bytes || place.Bytes.Held > Little ? Timeout.InfiniteTimeSpan : Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancel);
            try { await full.WaitAsync(bytes, either.Token); }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested) { CutHeaviest(place, full); }
        }
        while (!place.Bytes.TryTake(bytes, out full!));
    }

    // Of those that share what is full, if one holds more than who needs the room.
    private void CutHeaviest(TcpPlace place, ByteShare full)
    {
        TcpPlace? heaviest;
        lock (_clients)
        {
            var client = full == Node ? _clients.Values.MaxBy(c => c.Bytes.Held) : place.Client;
            heaviest = client?.Places.Where(p => !p.IsCut).MaxBy(p => p.Bytes.Held);
            if (heaviest is null || heaviest.Bytes.Held <= place.Bytes.Held) return;
            heaviest.IsCut = true;
        }
        heaviest.Cut();
    }
}

/// <summary>The connections of one address.</summary>
internal sealed class TcpClientShare(IPAddress address, ByteShare bytes)
{
    public IPAddress Address { get; } = address;

    public ByteShare Bytes { get; } = bytes;

    public HashSet<TcpPlace> Places { get; } = [];
}

/// <summary>The place of one connection.</summary>
internal sealed class TcpPlace(TcpLimits limits, TcpClientShare client, ByteShare bytes)
{
    public TcpClientShare Client { get; } = client;

    /// <summary>The bytes held for it.</summary>
    public ByteShare Bytes { get; } = bytes;

    /// <summary>Ends the connection and gives up what waits for its client; set by the connection.</summary>
    public Action Cut { get; set; } = () => { };

    /// <summary>True once it was chosen.</summary>
    public bool IsCut { get; set; }

    /// <summary>See <see cref="TcpLimits.TakeAsync"/>.</summary>
    public ValueTask TakeAsync(int bytes, CancellationToken cancel) => limits.TakeAsync(this, bytes, cancel);

    /// <summary>The same for a buffer of <see cref="TcpBuffer"/>, which goes back when there is no room for it.</summary>
    public async ValueTask TakeForAsync(byte[] buffer, int bytes, CancellationToken cancel)
    {
        try { await TakeAsync(bytes, cancel); }
        catch
        {
            TcpBuffer.Return(buffer);
            throw;
        }
    }
}
