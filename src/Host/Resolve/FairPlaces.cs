namespace MeshDns.Host.Resolve;

/// <summary>Something that takes a place.</summary>
internal interface IPlaced
{
    /// <summary>To whom the place counts; the same from when it is taken until it is given back, but for <see cref="FairPlaces{T}.Move"/>.</summary>
    Party Party { get; set; }

    /// <summary>Which one; belongs to the <see cref="FairPlaces{T}"/>.</summary>
    int Place { get; set; }

    /// <summary>With what it shares more narrow bounds; null for nothing.</summary>
    object? Group => null;
}

/// <summary>
/// So many places, and who holds them (docs/adr/0022-fair-places.md). Who holds one weighs what its client holds and what its domain holds. Nobody is limited while there
/// is room; when there is none, the heaviest of <see cref="Draws"/> drawn at random is who should make room. Nothing is allocated after the start. Not thread-safe,
/// but for <see cref="Count"/>.
/// </summary>
/// <param name="capacity">How many; at most 65,534, so that no count can overflow.</param>
/// <param name="seed">Of the draws; 0 for one of its own.</param>
internal sealed class FairPlaces<T>(int capacity, uint seed = 0)
    where T : class, IPlaced
{
    /// <summary>How many are compared. Whoever holds a share f of the places is missed with a chance of (1 - f) to the power of this.</summary>
    public const int Draws = 64;

    private readonly T?[] _held = new T?[capacity];
    private readonly ushort[] _clients = new ushort[Party.Slots];
    private readonly ushort[] _domains = new ushort[Party.Slots];
    private uint _random = seed != 0 ? seed : (uint)Random.Shared.Next(1, int.MaxValue);
    private int _count;

    /// <summary>Places taken.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>True when there is none left.</summary>
    public bool IsFull => _count == capacity;

    /// <summary>Takes a place. There is one.</summary>
    public void Enter(T item)
    {
        item.Place = _count;
        _held[_count] = item;
        Add(item.Party);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Gives its place back.</summary>
    public void Leave(T item)
    {
        int last = _count - 1;
        T moved = _held[last]!;
        _held[item.Place] = moved;
        moved.Place = item.Place;
        _held[last] = null;
        Remove(item.Party);
        Volatile.Write(ref _count, last);
    }

    /// <summary>Has a place count to somebody else.</summary>
    public void Move(T item, Party party)
    {
        Remove(item.Party);
        item.Party = party;
        Add(party);
    }

    /// <summary>How many places a party's client and its domain hold, added up.</summary>
    public int WeightOf(Party party) => _clients[party.Client] + _domains[party.Domain];

    /// <summary>Who should make room for a newcomer: the heaviest, if it is heavier than the newcomer would be; null for nobody.</summary>
    /// <param name="newcomer">Who comes.</param>
    /// <param name="group">Only those of this group; null for all.</param>
    public T? FindHeavier(Party newcomer, object? group = null) => Heaviest(newcomer, null, WeightOf(newcomer) + 2, group);

    /// <summary>The same when a newcomer goes before its equals: of several that are as heavy as it would be, the oldest makes room.</summary>
    /// <param name="newcomer">Who comes.</param>
    /// <param name="oldest">Who has been here longest.</param>
    public T? FindAsHeavy(Party newcomer, T oldest)
    {
        int weight = WeightBeside(oldest.Party, newcomer);
        int least = WeightOf(newcomer) + 2;
        return weight >= least ? Heaviest(newcomer, oldest, weight, null) : Heaviest(newcomer, null, least - 1, null);
    }

    /// <summary>Who should be served next: the lightest, the newest if it is as light as any.</summary>
    /// <param name="newest">Who came last; null for none.</param>
    public T? FindLightest(T? newest)
    {
        T? lightest = newest;
        int least = newest is null ? int.MaxValue : WeightOf(newest.Party);
        int draws = Math.Min(_count, Draws);
        for (int i = 0; i < draws; i++)
        {
            T drawn = Drawn(i);
            int weight = WeightOf(drawn.Party);
            if (weight < least)
                (lightest, least) = (drawn, weight);
        }
        return lightest;
    }

    // Weights are those beside the newcomer: what its coming adds to its client and its domain is added for all of those.
    private T? Heaviest(Party newcomer, T? heaviest, int most, object? group)
    {
        int draws = Math.Min(_count, Draws);
        for (int i = 0; i < draws; i++)
        {
            T drawn = Drawn(i);
            int weight = WeightBeside(drawn.Party, newcomer);
            if (weight > most && (group is null || drawn.Group == group))
                (heaviest, most) = (drawn, weight);
        }
        return heaviest;
    }

    private int WeightBeside(Party party, Party newcomer) =>
        WeightOf(party) + (party.Client == newcomer.Client ? 1 : 0) + (party.Domain == newcomer.Domain ? 1 : 0);

    // All of them when they are few.
    private T Drawn(int draw)
    {
        if (_count <= Draws)
            return _held[draw]!;
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return _held[(int)(((ulong)_random * (uint)_count) >> 32)]!;
    }

    private void Add(Party party)
    {
        _clients[party.Client]++;
        _domains[party.Domain]++;
    }

    private void Remove(Party party)
    {
        _clients[party.Client]--;
        _domains[party.Domain]--;
    }
}
