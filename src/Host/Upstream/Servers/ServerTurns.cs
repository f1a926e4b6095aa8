namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// Whose turn it is in a flight, and who may still answer: the servers by their place in its order, round after round, without those that are of no more use. At most
/// <see cref="MaxTurns"/> turns. Pure; used again and again.
/// </summary>
internal sealed class ServerTurns
{
    /// <summary>How often one question is asked, of all servers together.</summary>
    public const int MaxTurns = 16;

    /// <summary>Nobody's turn.</summary>
    public const int Nobody = -1;

    /// <summary>Servers of one route.</summary>
    public const int MaxServers = 32;

    private readonly byte[] _underWay = new byte[MaxServers];
    private int _count;
    private int _turns;
    private int _next;
    private uint _spent; // Not asked again.
    private uint _failed; // Has said its word: what is still under way to it would bring the same.
    private uint _missed;

    /// <summary>The round of the latest turn, the first being 0.</summary>
    public int Round { get; private set; }

    /// <summary>The round of the turn that <see cref="Peek"/> found.</summary>
    public int NextRound => _next / _count;

    /// <summary>True while an attempt is under way that may still bring an answer.</summary>
    public bool IsAnyAwaited
    {
        get
        {
            for (int i = 0; i < _count; i++)
            {
                if (_underWay[i] != 0 && (_failed & (1u << i)) == 0)
                    return true;
            }
            return false;
        }
    }

    /// <summary>Begins anew.</summary>
    /// <param name="servers">How many servers there are.</param>
    /// <param name="rounds">How often each is asked; null: while there are turns.</param>
    public void Begin(int servers, int? rounds)
    {
        Array.Clear(_underWay, 0, _count);
        _count = servers;
        _turns = Math.Min(MaxTurns, servers * (rounds ?? MaxTurns));
        (_next, Round) = (0, 0);
        (_spent, _failed, _missed) = (0, 0, 0);
    }

    /// <summary>Whose turn is next; <see cref="Nobody"/> at the end.</summary>
    public int Peek()
    {
        while (_next < _turns && (_spent & (1u << (_next % _count))) != 0)
            _next++;
        return _next < _turns ? _next % _count : Nobody;
    }

    /// <summary>That server takes its turn: an attempt begins.</summary>
    public void Take()
    {
        _underWay[_next % _count]++;
        Round = _next++ / _count;
    }

    /// <summary>One of its attempts has ended.</summary>
    public void End(int server) => _underWay[server]--;

    /// <summary>It answered, and that was no use.</summary>
    public void Fail(int server)
    {
        uint bit = 1u << server;
        _spent |= bit;
        _failed |= bit;
    }

    /// <summary>It could not be asked. The second time is the last: such ends come at once, and would come again and again. Only who is silent is asked more often.</summary>
    public void Miss(int server)
    {
        uint bit = 1u << server;
        _spent |= _missed & bit;
        _missed |= bit;
    }
}
