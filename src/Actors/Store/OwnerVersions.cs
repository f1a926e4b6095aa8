using System.Globalization;

namespace MeshDns.Actors.Store;

/// <summary>
/// The versions that an owner works with, as it tells them in the table of nodes: owners that would misunderstand each other are never members of one cluster.
/// </summary>
/// <param name="Speaks">The version of what its actors say. It rises when a meaning changes so that a mixed cluster would be wrong, not for additions.</param>
/// <param name="Understands">The oldest such version that it can work with.</param>
/// <param name="Writes">The format of the rows that it writes to the log.</param>
/// <param name="Reads">The newest format of rows that it reads: one release before it is written.</param>
internal sealed record OwnerVersions(int Speaks, int Understands, int Writes, int Reads)
{
    /// <summary>This program's. Owners from before the table had the columns stand there with the first ones.</summary>
    public static OwnerVersions Current { get; } = new(1, 1, 1, 1);

    /// <summary>Why an owner of these versions and another one cannot be in one cluster, as a sentence; null when they can.</summary>
    public string? WhyNot(string name, OwnerVersions other) =>
        other.Speaks < Understands || Speaks < other.Understands ? Sentence($"{name} speaks version {other.Speaks} of what owners say and understands {other.Understands} and newer; this node speaks {Speaks} and understands {Understands} and newer")
        : other.Writes > Reads || Writes > other.Reads ? Sentence($"{name} writes rows of format {other.Writes} and reads up to {other.Reads}; this node writes {Writes} and reads up to {Reads}")
        : null;

    /// <summary>True when of two that cannot be in one cluster it is this one that goes.</summary>
    public bool YieldsTo(OwnerVersions other) => (Speaks, Writes).CompareTo((other.Speaks, other.Writes)) > 0;

    private static string Sentence(FormattableString text) => text.ToString(CultureInfo.InvariantCulture) + ". Upgrade or go back by one release at a time";
}
