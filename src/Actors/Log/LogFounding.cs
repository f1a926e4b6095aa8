using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Log;

/// <summary>What must be known of a log before anything of it can be folded.</summary>
/// <param name="Range">The VIP ranges.</param>
/// <param name="Buckets">The buckets.</param>
internal sealed record LogFounding(VipRange Range, Buckets Buckets)
{
    // A damaged number must not ask for memory.
    private const int MostShards = 65_536;

    /// <summary>What an image says of it, or the first row that does; null when nothing does.</summary>
    /// <exception cref="FormatException">What says it is damaged.</exception>
    public static LogFounding? Find(IEnumerable<LogRow> rows, MeshImage? image)
    {
        var founded = image is not null ? image.Founded : rows.Where(r => r.Kind == RowKind.Closing).Select(OfRow).FirstOrDefault(f => f is not null);
        if (founded is null) return null;
        if (founded.Shards is < 1 or > MostShards) throw new FormatException($"the log is of {founded.Shards} shards");
        try { return new LogFounding(new VipRange(Cidr.Parse(founded.Ipv4), Cidr.Parse(founded.Ipv6)), new Buckets(founded.Shards)); }
        catch (ArgumentException e) { throw new FormatException(e.Message, e); }
    }

    // A row that cannot be read is told of by whoever reads it in its turn.
    private static ClusterFounded? OfRow(LogRow row)
    {
        try { return (RowCodec.Decode(row) as Closing)?.Facts.Select(f => f.Fact).OfType<ClusterFounded>().FirstOrDefault(); }
        catch (FormatException) { return null; }
    }
}
