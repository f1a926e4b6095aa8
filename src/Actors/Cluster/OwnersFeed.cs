using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>The log at an owner's feed, which answers when it has something new; when that owner goes, another.</summary>
/// <param name="link">The way to the owners.</param>
/// <param name="time">The clock.</param>
/// <param name="report">What the node says of itself.</param>
/// <param name="drain">The owner wants this node to take itself out; told with each answer until the node says that it does.</param>
internal sealed class OwnersFeed(OwnerLink link, TimeProvider time, Func<EdgeReport> report, Action drain) : IFeed
{
    private static readonly TimeSpan _hold = TimeSpan.FromSeconds(1);

    // Past the hold: an owner answers from memory. One that says nothing for so long is left for another, so that answers do not grow old.
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(1);

    // One that has lost the journal answers on; another may still have it.
    private const long StaleMs = 5000;

    private static readonly TimeSpan _imageDeadline = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public async Task<FeedSlice> ReadAsync(LogPosition after, CancellationToken cancel)
    {
        var why = "cluster.join names no owner";
        foreach (var address in link.Candidates())
        {
            var askedAt = time.GetTimestamp();
            try
            {
                var reply = await link.AskAsync(address, new ReadFeed(after.Number, after.Term, (int)_hold.TotalMilliseconds, report()), _hold + _deadline, cancel);
                if (reply is FeedReply feed) return Take(address, feed, askedAt);
                why = OwnerLink.WhyNot(address, reply);
            }
            catch (MeshUnavailableException e) { why = e.Message; }
        }
        link.Lose();
        throw new MeshUnavailableException(why);
    }

    /// <inheritdoc/>
    public async Task<(LogPosition Position, byte[] Bytes)?> ReadImageAsync(long atMost, string part, CancellationToken cancel)
    {
        var image = await link.ReadAsync<FeedImage>(new ReadImage(atMost, part), _imageDeadline, _imageDeadline, cancel);
        return image.Number == 0 ? null : (new LogPosition(image.Number, image.Term), image.Bytes);
    }

    private FeedSlice Take(string address, FeedReply feed, long askedAt)
    {
        link.Learn(feed.AgeMs < StaleMs ? address : null, feed.Feeds);
        if (feed.Drain) drain();
        // The reply may have been long under way: its age counts from the question, less the time that it was held there on purpose.
        var age = Math.Max(0, feed.AgeMs) - Math.Clamp(feed.HeldMs, 0, (long)time.GetElapsedTime(askedAt).TotalMilliseconds);
        return new FeedSlice(feed.Holds, [.. feed.Rows.Select(FeedMessages.Read)], feed.IsAll, age, feed.ReadAt, feed.IsCut);
    }
}
