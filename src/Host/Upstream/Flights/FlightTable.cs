using System.Buffers.Binary;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>The questions under way, at most <see cref="Capacity"/>: identical ones share one flight. For the loop's thread, but for <see cref="Count"/>.</summary>
internal sealed class FlightTable
{
    /// <summary>Questions under way at once.</summary>
    public const int Capacity = ServerLink.MaxQuestions;

    private const int Places = 8192;
    private readonly FlightRunner?[] _places = new FlightRunner?[Places];
    private readonly ulong _seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    private readonly FairPlaces<FlightRunner> _shares = new(Capacity);

    /// <summary>Questions under way.</summary>
    public int Count => _shares.Count;

    /// <summary>True when no other can begin.</summary>
    public bool IsFull => _shares.IsFull;

    /// <summary>All of them.</summary>
    public IEnumerable<FlightRunner> All
    {
        get
        {
            foreach (FlightRunner? first in _places)
                for (FlightRunner? each = first; each is not null; each = each.Neighbour)
                    yield return each;
        }
    }

    /// <summary>A key's hash: keyed, since clients choose the names and must not be able to choose collisions.</summary>
    public ulong HashOf(ReadOnlySpan<byte> key) => DnsName.Hash(key, _seed);

    /// <summary>The flight of a key; null for none.</summary>
    public FlightRunner? Find(ReadOnlySpan<byte> key, ulong hash)
    {
        for (FlightRunner? each = _places[hash % Places]; each is not null; each = each.Neighbour)
            if (each.Hash == hash && each.Key.SequenceEqual(key))
                return each;
        return null;
    }

    /// <summary>Adds a flight whose key has none.</summary>
    public void Add(FlightRunner flight, ulong hash)
    {
        ref FlightRunner? place = ref _places[hash % Places];
        flight.Hash = hash;
        flight.Neighbour = place;
        place = flight;
        _shares.Enter(flight);
    }

    /// <summary>Ends a flight's stay.</summary>
    public void Remove(FlightRunner flight)
    {
        ref FlightRunner? place = ref _places[flight.Hash % Places];
        if (place == flight)
        {
            place = flight.Neighbour;
        }
        else
        {
            FlightRunner? before = place;
            while (before is not null && before.Neighbour != flight)
                before = before.Neighbour;
            if (before is null)
                return;
            before.Neighbour = flight.Neighbour;
        }
        flight.Neighbour = null;
        _shares.Leave(flight);
    }

    /// <summary>Which flight should make room for another; null for none. See <see cref="FairPlaces{T}.FindHeavier"/>.</summary>
    /// <param name="newcomer">To whom the other would count.</param>
    /// <param name="servers">Only those by this route; null for all.</param>
    public FlightRunner? FindHeavier(Party newcomer, ServerSet? servers) => _shares.FindHeavier(newcomer, servers);

    /// <summary>Somebody else waits for the flight too: it counts to the one of them that holds less.</summary>
    public void Join(FlightRunner flight, Party party)
    {
        if (_shares.WeightOf(party) + 1 < _shares.WeightOf(flight.Party))
            _shares.Move(flight, party);
    }
}
