using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>What a node does for other nodes. The transport has authenticated who asks before it calls this.</summary>
public interface INodeServer
{
    /// <summary>Carries a request out. Never throws but for the token: whatever goes wrong is a <see cref="NodeRefusal"/>.</summary>
    Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel);
}

/// <summary>
/// What an owner does for nodes without a database: it hands the log's rows on, out of memory where they reach back far enough, and carries out by its own means what they cannot.
/// </summary>
internal sealed class FeedServer(OwnerMesh mesh, ILogStore store, FeedReaders readers, Func<IReadOnlyList<string>> feeds, TimeProvider time, ActorLog log) : INodeServer
{
    private const int MaxPage = 10_000;
    private const int MaxNames = 256;

    // Of readers that are far behind, few at a time cost the database a read.
    private readonly SemaphoreSlim _reads = new(2);

    private LogFollowing Following => mesh.Following;

    private IMeshControl Control => mesh.Control;

    /// <inheritdoc/>
    public async Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel)
    {
        try { return await DispatchAsync(request, cancel); }
        catch (Exception e) when (e is MeshUnavailableException or StoreUnavailableException or FormatException) { return new NodeRefusal(e.Message); }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { throw; }
        catch (Exception e)
        {
            // A bug here must not end the connection of an edge.
            log(ActorLogLevel.Alarm, "feed", $"a {request.GetType().Name} of an edge failed", e);
            return new NodeRefusal("an internal error; see the log of " + mesh.Node);
        }
    }

    private async Task<NodeReply> DispatchAsync(NodeRequest request, CancellationToken cancel)
    {
        switch (request)
        {
            case ReadFeed feed: return await ServeAsync(feed, cancel);
            case ReadImage image: return await ServeAsync(image, cancel);
            case EdgeChange change: return await ChangeAsync(change, cancel);
            case EdgeWait wait: return new FeedAwaited(await Control.WaitForEdgesAsync(wait.Position, TimeSpan.FromMilliseconds(Math.Clamp(wait.WaitMs, 0, 10_000)), cancel));
            case EdgeGetDocument get: return new DocumentPage(Some(await Control.GetDocumentAsync(get.Key, cancel)), null);
            case EdgeListDocuments list: return PageOf(await Control.ListDocumentsAsync(list.Of, Bounded(list.Page), cancel), (items, next) => new DocumentPage(items, next));
            case EdgeGetHost get: return new HostPage(Some(await Control.GetHostAsync(get.Host, cancel)), null);
            case EdgeListHosts list: return PageOf(await Control.ListHostsAsync(Bounded(list.Page), cancel), (items, next) => new HostPage(items, next));
            case EdgeGetVip get: return new VipPage(Some(await Control.GetVipAsync(get.Index, cancel)), null);
            case EdgeListVips list: return PageOf(await Control.ListVipsAsync(Bounded(list.Page), cancel), (items, next) => new VipPage(items, next));
            case EdgeListRests list: return PageOf(await Control.ListRestsAsync(Bounded(list.Page), cancel), (items, next) => new RestPage(items, next));
            case EdgeGetCluster: return new ClusterReply(await Control.GetClusterAsync(cancel));
            case EdgeGetSettings: return new SettingsReply(await Control.GetSettingsAsync(cancel));
            case EdgeDrain drain: return new Drained(await Control.DrainAsync(drain.Node, cancel));
            case EdgeFind { Names.Count: >= 1 and <= MaxNames } find: return new FactList(await mesh.FindAsync(find.Names) is { } facts ? [.. facts.Select(FeedMessages.Of)] : null);
            default: return new NodeRefusal($"{mesh.Node} does not do a {request.GetType().Name} for an edge");
        }
    }

    // A refusal would mean that nothing has happened, and be asked again elsewhere.
    private async Task<NodeReply> ChangeAsync(EdgeChange change, CancellationToken cancel)
    {
        try { return new ChangeCarried(await Control.ChangeAsync(change.Request, TimeSpan.FromMilliseconds(Math.Clamp(change.DeadlineMs, 1, 60_000)), cancel)); }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            log(ActorLogLevel.Alarm, "feed", "a change of an edge failed", e);
            return new ChangeCarried(new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "an internal error; see the log of " + mesh.Node });
        }
    }

    private async Task<NodeReply> ServeAsync(ReadFeed request, CancellationToken cancel)
    {
        var begin = time.GetTimestamp();
        var from = new LogPosition(request.Number, request.Term);
        var wait = TimeSpan.FromMilliseconds(Math.Clamp(request.WaitMs, 0, 10_000));
        if (!readers.TryNote(request.Reader, request.Number)) return new NodeRefusal("enough edges read from this node");
        while (true)
        {
            var news = Following.Tail.News;
            if (Following.Known is not var (position, age)) return new NodeRefusal("this node has not read the log yet");
            var drain = readers.IsToBeTold(request.Reader.Node);
            var left = wait - time.GetElapsedTime(begin);
            // Who is ahead of this node waits for it, then the journal says whether there is such a place.
            var hasNothing = from == position || from.Number > position.Number;
            if (hasNothing && !drain && left > TimeSpan.Zero)
            {
                using var until = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                await Task.WhenAny(news, Task.Delay(left, time, until.Token));
                await until.CancelAsync();
                cancel.ThrowIfCancellationRequested();
                continue;
            }
            if (from == position) return ReplyOf(new LogSlice(true, [], true, Following.DatabaseMs), age, drain, begin);
            if (Following.Tail.After(from) is { } found) return ReplyOf(new LogSlice(true, found.Rows, found.IsAll, Following.DatabaseMs), age, drain, begin);
            return await ReadAsync(from, drain, begin, cancel);
        }
    }

    private async Task<NodeReply> ReadAsync(LogPosition from, bool drain, long begin, CancellationToken cancel)
    {
        await _reads.WaitAsync(cancel);
        try
        {
            var askedAt = time.GetTimestamp();
            var slice = await store.ReadAsync(from, isConfirmed: true, cancel);
            return ReplyOf(slice, time.GetElapsedTime(askedAt), drain, begin);
        }
        finally { _reads.Release(); }
    }

    private async Task<NodeReply> ServeAsync(ReadImage request, CancellationToken cancel)
    {
        await _reads.WaitAsync(cancel);
        try
        {
            // The part that they stand in is mostly keys of changes, which no reader of names needs.
            var isSettings = request.Part == MeshImage.SettingsPart;
            var image = await store.FindImageAsync(request.AtMost, [isSettings ? MeshImage.RestPart : request.Part], cancel);
            return image is not null && (isSettings ? image.Settings : image.Parts.GetValueOrDefault(request.Part)?.Stored) is { } bytes
                ? new FeedImage(image.Position.Number, image.Position.Term, bytes)
                : new FeedImage(0, LogPosition.NoTerm, []);
        }
        finally { _reads.Release(); }
    }

    private FeedReply ReplyOf(LogSlice slice, TimeSpan age, bool drain, long begin) => new(
        slice.Holds, [.. slice.Rows.Select(FeedMessages.Of)], slice.IsAll, slice.DatabaseMs, (long)age.TotalMilliseconds, (long)time.GetElapsedTime(begin).TotalMilliseconds, feeds(), drain, slice.IsCut);

    private static NodeReply PageOf<T>(Page<T> page, Func<IReadOnlyList<T>, string?, NodeReply> make) => make(page.Items, page.Next);

    private static T[] Some<T>(T? item) where T : class => item is null ? [] : [item];

    private static PageRequest Bounded(PageRequest page) => page with { Limit = Math.Clamp(page.Limit, 1, MaxPage) };
}
