using MeshDns.Actors.Changes;
using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;

namespace MeshDns.Actors.Cluster;

/// <summary>What the actors of a node work with; all of it outlives their system.</summary>
internal sealed record MeshParts
{
    public required MeshOptions Options { get; init; }

    public required ILogStore Store { get; init; }

    public required MeshFold Fold { get; init; }

    public required ChangeDecision Decision { get; init; }

    public required LogFollowing Following { get; init; }

    public required Founding Founding { get; init; }

    public required NodeDuties Duties { get; init; }

    public required TimeProvider Time { get; init; }

    public required ActorLog Log { get; init; }

    /// <summary>16 random hexadecimal digits.</summary>
    public required Func<string> NextTerm { get; init; }

    /// <summary>An image is stored after so many rows.</summary>
    public required long ImageEvery { get; init; }

    /// <summary>Or after so many bytes of them, if that is not little beside the last image.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>At least so many of the newest rows stay; null: all.</summary>
    public long? KeepRows { get; init; }

    /// <summary>Told of each append: whether it is durable, and how long it took.</summary>
    public Action<bool, TimeSpan> Appended { get; init; } = (_, _) => { };

    /// <summary>Told of memory that nothing holds any more, in bytes by estimate, where it is much.</summary>
    public Action<long> LeftBehind { get; init; } = _ => { };

    /// <summary>What of the actors can be counted.</summary>
    public MeshGauges Gauges { get; } = new();

    /// <summary>What incarnations of the allocator in this process leave to the next.</summary>
    public AllocatorMemory Memory { get; } = new();

    /// <summary>The moment now.</summary>
    public Moment Now => Moment.Of(Time);
}

/// <summary>What a node does for others beyond its actors.</summary>
/// <param name="AwaitRowAsync">Waits until the node's directory, and the edges that read from it, have a row; names those that have not.</param>
/// <param name="DrainAsync">Drains the node, or a reader of its feed; false when that is not known.</param>
/// <param name="Report">How the node is.</param>
internal sealed record NodeDuties(Func<long, TimeSpan, Task<IReadOnlyList<string>>> AwaitRowAsync, Func<string?, Task<bool>> DrainAsync, Func<Protocol.NodeReported> Report);

/// <summary>What of a node's actors can be counted, over all its actor systems. Any thread.</summary>
internal sealed class MeshGauges
{
    private int _shards;
    private int _waiting;

    /// <summary>Shards on this node.</summary>
    public int Shards => Volatile.Read(ref _shards);

    /// <summary>Changes that wait for the allocator's turn; 0 where it does not run.</summary>
    public int Waiting
    {
        get => Volatile.Read(ref _waiting);
        set => Volatile.Write(ref _waiting, value);
    }

    public void ShardCame() => Interlocked.Increment(ref _shards);

    public void ShardWent() => Interlocked.Decrement(ref _shards);
}

/// <summary>What incarnations of the allocator in one process leave to the next. Written by the one that ends, read by the one that begins.</summary>
internal sealed class AllocatorMemory
{
    private readonly Lock _gate = new();
    private PoisonMemory _poison = PoisonMemory.Empty;
    private MeshState? _last;
    private bool _hasCollided;
    private string _said = "";

    /// <summary>Why none could serve when one last tried in this process; null when it could, or one serves elsewhere.</summary>
    public string? Trouble
    {
        get { lock (_gate) return _said.Length > 0 ? _said : null; }
    }

    /// <summary>Remembers the end of one.</summary>
    public void Note(PoisonMemory poison, MeshState? last, bool hasCollided)
    {
        lock (_gate) (_poison, _last, _hasCollided) = (poison, last ?? _last, hasCollided);
    }

    /// <summary>True when something else was said last.</summary>
    public bool IsNew(string text)
    {
        lock (_gate)
        {
            var isNew = text != _said;
            _said = text;
            return isNew;
        }
    }

    /// <summary>One serves, here or on another node: whatever kept one of this process from it is past.</summary>
    public void Served() => IsNew("");

    /// <summary>What the last one left.</summary>
    public (PoisonMemory Poison, MeshState? Last, bool HasCollided) Read()
    {
        lock (_gate) return (_poison, _last, _hasCollided);
    }
}
