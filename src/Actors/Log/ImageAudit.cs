using MeshDns.Actors.Vips;

namespace MeshDns.Actors.Log;

/// <summary>An image as a store keeps it.</summary>
/// <param name="Image">The image, all its parts.</param>
/// <param name="Digest">What the store says that its digest is.</param>
/// <param name="Row">The row that is to carry the digest; null: nobody has said yet, and nobody uses the image.</param>
internal sealed record KeptImage(MeshImage Image, string Digest, long? Row);

/// <summary>The part of an audit that is about images: a row vouches for each, and each is what the rows give.</summary>
internal sealed class ImageAudit(IReadOnlyList<LogRow> rows, IReadOnlyList<KeptImage> images, Action<string> breach)
{
    private readonly HashSet<LogPosition> _compared = [];

    private IEnumerable<KeptImage> Counting => images.Where(i => i.Row is not null);

    /// <summary>Every image that names a row is as it was when its digest was taken, and that row carries the digest. A row that was cut away says nothing more: its image is not used.</summary>
    public void CheckVouchers()
    {
        foreach (var image in Counting)
        {
            if (image.Image.Digest != image.Digest) breach($"the image of {image.Image.Position} is damaged: its parts have another digest than it");
            if (!IsCutAway(image) && !IsVouchedFor(image)) breach($"row {image.Row} does not vouch for the image of {image.Image.Position}, which names it");
        }
    }

    /// <summary>The image to replay from; null for the first row, or when there is none.</summary>
    public KeptImage? Begin() => rows[0].Number == 1 ? null
        : Counting.Where(i => Holds(i.Image.Position) && i.Image.Digest == i.Digest && IsVouchedFor(i)).MinBy(i => i.Image.Position.Number);

    /// <summary>Compares the image of the place up to which a state speaks, if there is one.</summary>
    public void Compare(MeshState state, MeshFold fold)
    {
        foreach (var (image, _, _) in Counting.Where(i => i.Image.Position == state.Position))
        {
            _compared.Add(image.Position);
            var wanted = MeshImage.Of(state, fold.Buckets, new VipLedgerCore(fold.Range));
            if (wanted.Digest == image.Digest) continue;
            var differ = wanted.Parts.Keys.Union(image.Parts.Keys).Where(p => !Same(wanted.Parts.GetValueOrDefault(p), image.Parts.GetValueOrDefault(p)));
            breach($"the image of {image.Position} is not what the rows give: it differs in {string.Join(", ", differ.Order(StringComparer.Ordinal))}");
        }
    }

    /// <summary>After the replay of all rows: every image that counts was of a place where a transaction ended.</summary>
    public void CheckPlaces(LogPosition end)
    {
        foreach (var image in Counting.Where(i => !IsCutAway(i) && !_compared.Contains(i.Image.Position) && i.Image.Position.Number >= rows[0].Number))
            breach($"the image of {image.Image.Position} is of a place where no transaction of this log ends; the log ends at {end}");
    }

    private bool IsCutAway(KeptImage image) => rows.Count > 0 && image.Row < rows[0].Number;

    private bool Holds(LogPosition position) =>
        (position.Number == rows[0].Number - 1 && position.Term == rows[0].PreviousTerm) || At(position.Number)?.Position == position;

    private bool IsVouchedFor(KeptImage image) => image.Row is { } number && At(number) is { } row && MeshImage.IsVouchedForBy(row, image.Image.Position, image.Digest);

    // Where rows are missing, a row stands nearer to the first than its number says.
    private LogRow? At(long number)
    {
        for (var i = (int)Math.Min(number - (rows.Count > 0 ? rows[0].Number : 0), rows.Count - 1); i >= 0 && rows[i].Number >= number; i--)
            if (rows[i].Number == number) return rows[i];
        return null;
    }

    private static bool Same(PackedBytes? one, PackedBytes? other) => one is not null && other is not null && one.Unpack().AsSpan().SequenceEqual(other.Unpack());
}
