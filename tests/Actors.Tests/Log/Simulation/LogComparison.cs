using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>At the end, when nothing has changed for a while: the log folded anew from its first row is what the allocator holds, what an image and the rows after it give, what every directory says and what every shard said.</summary>
internal sealed class LogComparison(LogWorld world)
{
    // A look stamps for two seconds, an append takes four, one that was given up may come late, and the database's clock is set ahead by up to six.
    private const long MostStampAgeMs = 20_000;

    private readonly VipLedgerCore _vips = new(world.Range);

    public void Run()
    {
        if (LogRun.Unsettled(world) is { } what) world.Problems.Add("at the end: " + what);
        if (world.Log.Primary.OldestStampMs > MostStampAgeMs) world.Problems.Add($"a transaction was stamped {world.Log.Primary.OldestStampMs} ms before it was written: what rests by it ends early");
        var reads = world.Reads.ToLookup(r => r.Position);
        var states = new Dictionary<LogPosition, MeshState>();
        MeshState state;
        NoteImages();
        try
        {
            NoteReplay();
            state = Fold(world.Fold.Empty, world.Log.Primary.Rows, s => Check(s, reads, states));
        }
        catch (BrokenLogException e)
        {
            world.Problems.Add("at the end: the log is broken: " + e.Message);
            return;
        }
        CompareTerms(state);
        CompareImages(state, states);
        CompareDirectories(state);
    }

    private MeshState Fold(MeshState state, IEnumerable<LogRow> rows, Action<MeshState> each) => Fold(state, rows, each, world.Fold.Apply);

    private MeshState Fold(MeshState state, IEnumerable<LogRow> rows, Action<MeshState> each, Func<MeshState, Transaction, MeshState> apply)
    {
        var reader = new TransactionReader(state.Position, state.At);
        foreach (var row in rows)
        {
            (reader, var whole) = reader.Read(row, world.Fold.Buckets);
            if (whole is null) continue;
            state = apply(state, whole);
            each(state);
        }
        return state;
    }

    private void Check(MeshState state, ILookup<LogPosition, (string Node, int Bucket, LogPosition Position, BucketView View)> reads, Dictionary<LogPosition, MeshState> states)
    {
        states[state.Position] = state;
        world.Problems.AddRange(world.Shared.Differences(state));
        foreach (var (node, bucket, position, view) in reads[state.Position])
        {
            var wanted = BucketView.Of(state, bucket, world.Fold.Buckets);
            if (!ShardTableSnapshot.Write(view.Table).AsSpan().SequenceEqual(ShardTableSnapshot.Write(wanted.Table)) || !view.Leases.SequenceEqual(wanted.Leases))
                world.Problems.Add($"{node} answered for bucket {bucket} as of {position} with what the log does not say");
        }
    }

    // What a reader without tables gives when it is asked for the settings.
    private void NoteReplay()
    {
        var (reader, state) = (new TransactionReader(LogPosition.Start, 0), world.Fold.Empty);
        foreach (var row in world.Log.Primary.Rows)
        {
            (reader, var whole) = reader.Read(row, world.Fold.Buckets);
            if (whole is null) continue;
            state = world.Fold.ApplyWithoutTables(state, whole);
            world.Shared.Note("a replay without tables", state.Position, state.Shared);
        }
    }

    // Read whole, without its tables, and as owners hand it on to nodes without the database.
    private void NoteImages()
    {
        foreach (var image in LogImages.All(world, world.Log.Primary))
        {
            world.Shared.Note("an image", image.Position, image.Read(world.Fold.Buckets, _vips).Shared);
            var state = image.ReadWithoutTables(world.Fold.Buckets, _vips);
            world.Shared.Note("an image without tables", image.Position, state.Shared);
            var handedOn = image.Settings is { } part && MeshImage.ReadSettings(part) is SettingsChanged settings ? settings : null;
            world.Shared.Note("an image as it is handed on", image.Position, (state with { Settings = handedOn }).Shared);
        }
    }

    private void CompareTerms(MeshState state)
    {
        var serving = world.Owners.SelectMany(o => o.Terms).Where(t => t.IsServing && t.Term == state.Position.Term).ToArray();
        if (serving.Length != 1) world.Problems.Add($"at the end: {serving.Length} incarnations serve that wrote the last row");
        foreach (var term in serving) Same($"what {term.Term} holds", term.Mesh!, state);
    }

    private void CompareImages(MeshState state, Dictionary<LogPosition, MeshState> states)
    {
        if (LogImages.Newest(world, world.Log.Primary) is not { } image) return;
        if (!states.TryGetValue(image.Position, out var then)) world.Problems.Add($"at the end: the log vouches for an image of {image.Position}, where no transaction ends");
        else if (MeshImage.Of(then, world.Fold.Buckets, _vips).Digest != image.Digest) world.Problems.Add($"at the end: the image of {image.Position} is not what the rows give");
        else
        {
            // As an incarnation begins, and as an audit reads.
            foreach (var apply in (Func<MeshState, Transaction, MeshState>[])[world.Fold.Replay, world.Fold.Apply])
                Same("what the image and the rows after it give", Fold(image.Read(world.Fold.Buckets, _vips), world.Log.Primary.Rows.Where(r => r.Number > image.Position.Number), _ => { }, apply), state);
        }
    }

    private void Same(string what, MeshState found, MeshState wanted)
    {
        var (a, b) = (MeshImage.Of(found, world.Fold.Buckets, _vips), MeshImage.Of(wanted, world.Fold.Buckets, _vips));
        if (a.Position != b.Position) world.Problems.Add($"at the end: {what} is at {a.Position}, the log at {b.Position}");
        foreach (var (name, part) in b.Parts) if (!a.Parts[name].Unpack().AsSpan().SequenceEqual(part.Unpack())) world.Problems.Add($"at the end: {what} differs in '{name}' from the log folded anew");
    }

    private void CompareDirectories(MeshState state)
    {
        var leases = state.Ledger.Leases.ToDictionary(l => l.Host, l => l.Index);
        var declared = Enumerable.Range(0, state.Tables.Count).SelectMany(b => state.Tables[b].Hosts);
        var wanted = Text(declared.Select(d => (d.Key, leases.GetValueOrDefault(d.Key, HostEntry.NoVip), d.Value.Length)));
        foreach (var node in world.Nodes.Values)
        {
            if (ZonesBeside(node.Followed.Directory, state) is { } other) world.Problems.Add($"at the end: the directory of {node.Name} has the mesh zones {other}");
            var found = Text(node.Followed.Directory.Hosts.Select(h => (h.Host, h.VipIndex, h.Declarations.Length)));
            if (found != wanted) world.Problems.Add($"at the end: the directory of {node.Name} at {node.Followed.Position} says\n  {found}, the log\n  {wanted}");
        }

        static string? ZonesBeside(MeshDirectory directory, MeshState state)
        {
            var shared = state.Shared!;
            var zones = shared.Zones.Append(shared.ClusterDomain).Concat(ReverseZones.Of(directory.Range).Select(z => z.Text)).ToHashSet();
            return zones.SetEquals(directory.Zones.Apexes.Select(z => z.Text)) ? null : string.Join(' ', directory.Zones.Apexes.Select(z => z.Text));
        }

        static string Text(IEnumerable<(HostName Host, int Vip, int Count)> hosts) => string.Join(' ', hosts.OrderBy(h => h.Host).Select(h => $"{h.Host}:{h.Vip}:{h.Count}"));
    }
}
