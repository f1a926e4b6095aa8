using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Following;

/// <summary>
/// What a follower has for one shard until the shard takes it: whole transactions, put together to one step, since a shard needs none of them before somebody asks. Bounded: who does not take reads its bucket anew. Any thread.
/// </summary>
internal sealed class ShardFeed
{
    private const int MostFacts = 4096;

    private readonly Lock _gate = new();
    private readonly List<MeshEvent> _facts = [];
    private LogPosition _before;
    private LogPosition _position;
    private bool _hasStep;
    private bool _isGone;

    /// <summary>The follower took a transaction in.</summary>
    public void Add(LogPosition before, LogPosition position, IEnumerable<MeshEvent> facts)
    {
        lock (_gate)
        {
            if (_hasStep && before != _position || _facts.Count > MostFacts) Drop();
            if (!_hasStep) (_before, _hasStep) = (before, true);
            _position = position;
            _facts.AddRange(facts);
        }
    }

    /// <summary>The log no longer has what was read.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            Drop();
            _isGone = true;
        }
    }

    /// <summary>What came since it was last taken.</summary>
    public IReadOnlyList<BucketInput> Take()
    {
        lock (_gate)
        {
            var inputs = new List<BucketInput>(2);
            if (_isGone) inputs.Add(new BucketPastIsGone());
            if (_hasStep) inputs.Add(new BucketTold([new BucketStep(_before, _position, [.. _facts])]));
            Drop();
            _isGone = false;
            return inputs;
        }
    }

    private void Drop()
    {
        _facts.Clear();
        _hasStep = false;
    }
}
