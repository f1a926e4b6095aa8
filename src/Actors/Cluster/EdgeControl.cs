using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>What the admin side of an edge without a database may do: everything, by an owner's hand.</summary>
internal sealed class EdgeControl(EdgeMesh mesh, OwnerLink link) : IMeshControl
{
    private static readonly TimeSpan _readDeadline = TimeSpan.FromSeconds(5);

    // An owner that is silent leaves time for another.
    private static readonly TimeSpan _each = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _drainDeadline = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Hands a change to one owner after the other while it is certain that none has done it. Under the caller's key it is asked again when it is not, since the
    /// journal knows the key; then only that it was applied is certain.
    /// </summary>
    public async Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var begin = mesh.Time.GetTimestamp();
        var why = "cluster.join names no owner";
        var isInDoubt = false;
        var isSafe = request.IdempotencyKey is not null || request.DryRun;
        var candidates = link.Candidates();
        for (var i = 0; i < candidates.Count; i++)
        {
            var (address, left) = (candidates[i], deadline - mesh.Time.GetElapsedTime(begin));
            if (left < TimeSpan.FromMilliseconds(1) || (isInDoubt && !isSafe)) break;
            var share = isSafe && i < candidates.Count - 1 ? left / 2 : left;
            try
            {
                // It gives up a little before it is given up, so that it can still say so.
                var answer = await link.AskAsync(address, new EdgeChange(request, (int)Math.Clamp(share.TotalMilliseconds * 0.9, 1, 60_000)), share, cancel);
                var reply = answer is ChangeCarried carried ? carried.Reply : new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = OwnerLink.WhyNot(address, answer) };
                if (reply.Outcome == ChangeOutcome.Applied || (reply.Outcome == ChangeOutcome.Refused && (!isInDoubt || request.DryRun))) return reply;
                (why, isInDoubt) = (reply.Detail, isInDoubt || reply.Outcome == ChangeOutcome.Unknown);
                if (reply.Outcome == ChangeOutcome.Refused) break;
            }
            catch (NotSentException e) { why = e.Message; }
            catch (MeshUnavailableException e) { (why, isInDoubt) = (e.Message, true); }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested) { (why, isInDoubt) = ("the caller gave up while an owner was carrying the change out", true); break; }
        }
        return new ChangeReply { Outcome = isInDoubt && !request.DryRun ? ChangeOutcome.Unknown : ChangeOutcome.Unavailable, Detail = why };
    }

    public async Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        // The owner's answer at the deadline names the late; it needs a moment to get here.
        var wait = (int)Math.Clamp(deadline.TotalMilliseconds, 0, 10_000);
        return (await link.ReadAsync<FeedAwaited>(new EdgeWait(position, wait), deadline + _each, deadline + _each, cancel)).Behind;
    }

    public async Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel) => (await ReadAsync<DocumentPage>(new EdgeGetDocument(key), cancel)).Items is [var found] ? found : null;

    public async Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel)
    {
        var found = await ReadAsync<DocumentPage>(new EdgeListDocuments(kind, page), cancel);
        return new Page<DocumentRecord>(found.Items, found.Next);
    }

    public async Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel) => (await ReadAsync<HostPage>(new EdgeGetHost(host), cancel)).Items is [var found] ? found : null;

    public async Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel)
    {
        var found = await ReadAsync<HostPage>(new EdgeListHosts(page), cancel);
        return new Page<HostRecord>(found.Items, found.Next);
    }

    public async Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel) => (await ReadAsync<VipPage>(new EdgeGetVip(index), cancel)).Items is [var found] ? found : null;

    public async Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel)
    {
        var found = await ReadAsync<VipPage>(new EdgeListVips(page), cancel);
        return new Page<VipRecord>(found.Items, found.Next);
    }

    public async Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel)
    {
        var found = await ReadAsync<RestPage>(new EdgeListRests(page), cancel);
        return new Page<RestingVip>(found.Items, found.Next);
    }

    /// <summary>The cluster as an owner sees it, with what this node knows better of itself.</summary>
    public async Task<ClusterView> GetClusterAsync(CancellationToken cancel)
    {
        var view = (await ReadAsync<ClusterReply>(new EdgeGetCluster(), cancel)).View;
        var me = new MemberView(mesh.Options.Node, mesh.Options.Address, mesh.Options.Roles, mesh.IsDraining ? "draining" : mesh.NotReady.Length == 0 ? "up" : "joining", mesh.Options.Version, 0, new DirectoryFreshness(mesh.Directory.Names, mesh.Directory.Age, 0));
        return view with { Node = mesh.Options.Node, Members = [.. view.Members.Where(m => m.Node != me.Node).Append(me).OrderBy(m => m.Node, StringComparer.Ordinal)] };
    }

    public async Task<SettingsView> GetSettingsAsync(CancellationToken cancel) => (await ReadAsync<SettingsReply>(new EdgeGetSettings(), cancel)).View;

    public async Task<bool> DrainAsync(string node, CancellationToken cancel)
    {
        if (node != mesh.Options.Node) return (await link.ReadAsync<Drained>(new EdgeDrain(node), _drainDeadline, _drainDeadline, cancel)).IsKnown;
        mesh.BeginDrain();
        return true;
    }

    /// <summary>What is declared of names; null when nobody who knows has answered. For <see cref="OwnerInquiry"/>, which bounds it.</summary>
    public async Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names)
    {
        var found = await link.ReadAsync<FactList>(new EdgeFind(names), OwnerInquiry.Deadline, OwnerInquiry.Deadline, CancellationToken.None);
        try { return found.Facts is { } facts ? [.. facts.Select(FeedMessages.Read)] : null; }
        catch (FormatException) { return null; }
    }

    private Task<TReply> ReadAsync<TReply>(NodeRequest request, CancellationToken cancel) where TReply : NodeReply => link.ReadAsync<TReply>(request, _each, _readDeadline, cancel);
}
