using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>The shards in a node's process: one comes when somebody asks for it here, and goes after a while, whatever other nodes have. Its answers are kept to be held to the log at the end.</summary>
internal sealed class ShardRoom(LogNode node)
{
    private readonly LogWorld _world = node.World;
    private readonly Dictionary<int, Shard> _shards = [];

    public void Begin() => node.Process.Every(300, () =>
    {
        foreach (var bucket in _shards.Keys.ToArray())
        {
            if (_world.Random.Next(60) == 0) _shards.Remove(bucket);
            else _shards[bucket].Handle(new BucketTicked());
        }
    });

    /// <summary>The follower has taken a transaction in.</summary>
    public void Tell(Transaction whole)
    {
        foreach (var (bucket, shard) in _shards)
        {
            // Told twice, or not at all: what a shard misses it reads.
            if (!_world.IsCalm && _world.Random.Next(200) == 0) continue;
            shard.Handle(new BucketTold([new BucketStep(whole.Before, whole.Position, [.. whole.Facts.Where(f => _world.Fold.Buckets.Of(f) == bucket)])]));
        }
    }

    public void PastIsGone()
    {
        foreach (var shard in _shards.Values) shard.Handle(new BucketPastIsGone());
    }

    public void Ask(int bucket)
    {
        if (!_shards.TryGetValue(bucket, out var shard)) _shards.Add(bucket, shard = new Shard(node, bucket));
        shard.Ask();
    }

    private sealed class Shard
    {
        private readonly LogNode _node;
        private readonly LogWorld _world;
        private readonly int _bucket;
        private readonly Dictionary<long, (long End, int Losses)> _asked = [];
        private BucketReader _reader;
        private long _questions;

        public Shard(LogNode node, int bucket)
        {
            (_node, _world, _bucket) = (node, node.World, bucket);
            (_reader, var outputs) = BucketReader.Begin();
            foreach (var output in outputs) CarryOut(output);
        }

        public void Ask()
        {
            // Of two primaries that both confirm, neither knows what the other has.
            _asked[++_questions] = (_world.Kind.IsLossy && _world.Log.HasOldPrimary ? 0 : _world.Log.Primary.End.Number, _world.Log.Losses);
            Handle(new BucketAsked(_questions, 500 + _world.Random.Next(3000)));
        }

        public void Handle(BucketInput input)
        {
            (_reader, var outputs) = _reader.Handle(input, _node.Process.Now);
            foreach (var output in outputs) CarryOut(output);
        }

        private void CarryOut(BucketOutput output)
        {
            switch (output)
            {
                case LoadBucket load:
                    var upTo = _node.Followed.Position;
                    _world.Log.Query(_node.Process, database => Load(database, load.Id, upTo), loaded => Handle(loaded ?? (BucketInput)new BucketLoadFailed(load.Id)));
                    break;
                case LookForBucket look:
                    _world.Log.Look(_node.Process, end =>
                    {
                        if (end is null) Handle(new BucketLookFailed(look.Id));
                        else _node.Followed.WhenKnown(() => Handle(new BucketEndSeen(look.Id, _node.Followed.Position)));
                    });
                    break;
                case BucketAnswer { View: { } view } answer: Note(answer, view); break;
                case BucketAnswer late: _asked.Remove(late.Id); break;
                default: throw new InvalidOperationException(output.ToString());
            }
        }

        private void Note(BucketAnswer answer, BucketView view)
        {
            _asked.Remove(answer.Id, out var asked);
            if (answer.IsConfirmed && asked.Losses == _world.Log.Losses && answer.Position.Number < asked.End)
                _world.Problems.Add($"{_node.Name} answered for bucket {_bucket} at {_world.NowMs} as of {answer.Position}, though the log was at {asked.End} when it was asked");
            _world.Reads.Add((_node.Name, _bucket, answer.Position, view));
        }

        // One statement: an image's part of the bucket, and its rows after that.
        private BucketLoaded? Load(LogDatabase database, long id, LogPosition upTo)
        {
            if (!database.Has(upTo)) return null;
            var image = _world.Random.Next(2) == 0 ? null : LogImages.Newest(_world, database);
            if (image?.Position.Number > upTo.Number) image = null;
            var view = image is null ? BucketView.Empty : BucketView.Of(image.Read(_world.Fold.Buckets, LogImages.Vips(_world)), _bucket, _world.Fold.Buckets);
            LogPosition? before = image is null ? LogPosition.Start : null;
            foreach (var row in database.ReadTagged(_world.Fold.Buckets.TagOf(_bucket), image?.Position ?? LogPosition.Start, upTo))
            {
                var facts = (BucketFacts)RowCodec.Decode(row);
                if (before is { } place && facts.Before != place) _world.Problems.Add($"row {row.Position} says that its bucket's row before it is {facts.Before}, it is {place}");
                before = row.Position;
                view = facts.Facts.Aggregate(view, (v, fact) => v.Apply(fact.Fact));
            }
            return new BucketLoaded(id, upTo, view);
        }
    }
}
