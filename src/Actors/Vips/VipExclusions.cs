using System.Collections.Immutable;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>
/// The CIDRs that keep indexes out of the pool: those that hosts declare now, and those withdrawn that still rest.
/// A withdrawn CIDR rests as one range, not as an entry an index. Immutable.
/// </summary>
internal sealed record VipExclusions
{
    private VipExclusions(VipRange range) => Range = range;

    private VipRange Range { get; }

    /// <summary>Who declares which CIDR now.</summary>
    public HostRelation Declared { get; private init; } = HostRelation.Empty;

    /// <summary>CIDRs that nobody declares any more, and when each one's rest ends.</summary>
    public ImmutableSortedDictionary<string, long> Resting { get; private init; } = ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    /// <summary>
    /// The indexes that may not be granted, to a former holder neither: while the CIDR was declared (and until edges have forgotten it)
    /// clients may have been sent to its external owner at exactly these addresses, so no name of ours may answer with one.
    /// </summary>
    public IndexSet Covered { get; private init; } = IndexSet.None;

    private long NextEnd { get; init; } = long.MaxValue;

    public static VipExclusions Of(VipRange range) => new(range);

    public VipExclusions Exclude(string cidr, HostName host)
    {
        var (first, last) = Span(cidr);
        var resting = Resting.Remove(cidr);
        return this with { Declared = Declared.With(cidr, host), Resting = resting, NextEnd = Earliest(resting), Covered = Covered.WithRange(first, last) };
    }

    public VipExclusions Include(string cidr, HostName host, long until)
    {
        var declared = Declared.Without(cidr, host);
        return declared.HostsOf(cidr).IsEmpty ? (this with { Declared = declared }).Rest(cidr, until) : this with { Declared = declared };
    }

    /// <summary>Adds a resting CIDR (a snapshot's).</summary>
    public VipExclusions Rest(string cidr, long until)
    {
        var (first, last) = Span(cidr);
        return this with { Resting = Resting.SetItem(cidr, until), NextEnd = Math.Min(NextEnd, until), Covered = Covered.WithRange(first, last) };
    }

    /// <summary>Forgets what has rested long enough.</summary>
    public VipExclusions MaturedAt(long time)
    {
        if (time < NextEnd) return this;
        var resting = Resting.RemoveRange(Resting.Where(entry => entry.Value <= time).Select(entry => entry.Key));
        var covered = IndexSet.None;
        foreach (var cidr in Declared.Keys.Concat(resting.Keys))
        {
            var (first, last) = Span(cidr);
            covered = covered.WithRange(first, last);
        }
        return this with { Resting = resting, NextEnd = Earliest(resting), Covered = covered };
    }

    public VipExclusions Extended(long byMs)
    {
        var resting = Resting.SetItems(Resting.Select(entry => KeyValuePair.Create(entry.Key, VipPool.Later(entry.Value, byMs))));
        return this with { Resting = resting, NextEnd = Earliest(resting) };
    }

    /// <summary>The indexes of a CIDR that covers part of the pool.</summary>
    /// <exception cref="InvalidOperationException">It covers none of the pool, or all of it: such a CIDR is never recorded.</exception>
    public (int First, int Last) Span(string cidr)
    {
        if (!Cidr.TryParse(cidr, out var parsed)) throw new InvalidOperationException($"the excluded '{cidr}' is not address/prefix");
        if (!Range.TryCovered(parsed, out var first, out var last, out var whole) || whole) throw new InvalidOperationException($"{cidr} does not cover part of {Range.V4}");
        return (first, last);
    }

    private static long Earliest(ImmutableSortedDictionary<string, long> resting) => resting.IsEmpty ? long.MaxValue : resting.Values.Min();
}
