using Akka.Actor;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Cluster;

/// <summary>Stores an image of the state now and then, beside the writer's turn, and has a row of the log vouch for it. For one actor.</summary>
internal sealed class AllocatorImages(MeshParts parts)
{
    /// <summary>The number under which the writer knows what is noted here.</summary>
    public const long Note = 1;

    private const long AgainAfterMs = 30_000;

    // Whoever begins reads an image and what comes after it: that must not be long beside the image.
    private const long PartOfImage = 3;

    private LogPosition? _underWay;
    private long _before;
    private Moment? _failedAt;
    private long _imageBytes;
    private long _tailBytes;
    private long _takenBytes;

    /// <summary>What an incarnation began with.</summary>
    public void Recovered(Recovered recovered) => (_imageBytes, _tailBytes) = (recovered.ImageBytes, recovered.TailBytes);

    /// <summary>So much more was written.</summary>
    public void Count(IReadOnlyList<LogRow> rows) => _tailBytes += rows.Sum(r => (long)r.Payload.Length);

    /// <summary>Begins one when enough has been written since the last; one that failed is tried again after half a minute.</summary>
    public void Begin(MeshState state, IActorRef allocator)
    {
        if (_underWay is not null || !IsDue(state) || _failedAt is { } failed && parts.Now.Since(failed) < AgainAfterMs) return;
        (_underWay, _before, _takenBytes) = (state.Position, state.Image?.Number ?? 0, _tailBytes);
        Task.Run(() => SaveAsync(state)).PipeTo(allocator, failure: e => new ImageFailed(e.Message));
    }

    /// <summary>It could not be stored.</summary>
    public void Failed(ImageFailed failed)
    {
        parts.Log(ActorLogLevel.Warning, "allocator", "an image cannot be stored: " + failed.Why, null);
        (_underWay, _failedAt) = (null, parts.Now);
    }

    /// <summary>The row that vouches for it; null when it was not written.</summary>
    public void Noted(long? row)
    {
        if (row is { } number && _underWay is { } image)
        {
            _tailBytes -= _takenBytes;
            _ = VouchAsync(image, number, _before);
        }
        else _failedAt = parts.Now;
        _underWay = null;
    }

    private async Task<ChangeLogInput> SaveAsync(MeshState state)
    {
        var image = MeshImage.Of(state, parts.Fold.Buckets, new VipLedgerCore(parts.Fold.Range));
        await parts.Store.SaveImageAsync(image, CancellationToken.None);
        Interlocked.Exchange(ref _imageBytes, image.StoredBytes);
        return new Noted(Note, new ImageSaved(image.Position.Number, image.Position.Term, image.Digest) { At = 0 });
    }

    private bool IsDue(MeshState state) =>
        state.Position.Number - (state.Image?.Number ?? 0) >= parts.ImageEvery || _tailBytes >= Math.Max(parts.ImageBytes, _imageBytes / PartOfImage);

    // One that is not vouched for is not used: the next one will be.
    private async Task VouchAsync(LogPosition image, long row, long before)
    {
        try
        {
            await parts.Store.VouchAsync(image, row, CancellationToken.None);
            // The image before it stays too: nothing that it needs goes.
            if (parts.KeepRows is { } keep && Math.Min(before, row - keep) is > 1 and var below) await parts.Store.CutAsync(below, CancellationToken.None);
        }
        catch (Exception e) { parts.Log(ActorLogLevel.Warning, "allocator", "an image cannot be vouched for, or old rows cannot be cut away: " + e.Message, null); }
    }
}

/// <summary>An image could not be stored.</summary>
internal sealed record ImageFailed(string Why);
