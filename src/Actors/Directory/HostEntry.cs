using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Directory;

/// <summary>What a chosen record answers with.</summary>
public enum AnswerSource
{
    /// <summary>No declaration is visible: the name is unknown to this client.</summary>
    Invisible,

    /// <summary>Declared, but without an address in any family.</summary>
    NoAddress,

    /// <summary>Explicit addresses.</summary>
    Explicit,

    /// <summary>The host's VIP, both families.</summary>
    Vip,

    /// <summary>An ExternalName Service: a CNAME.</summary>
    Cname,
}

/// <summary>The record that answers a client.</summary>
/// <param name="Source">What it answers with.</param>
/// <param name="Record">Its oldest declaration that the client sees and that counts; null when nothing is visible.</param>
public readonly record struct RecordChoice(AnswerSource Source, Declaration? Record)
{
    /// <summary>True when the choice has an address or a CNAME.</summary>
    public bool Answers => Source >= AnswerSource.Explicit;
}

/// <summary>All that is known of a host: immutable, replaced whole. A wildcard's name is its suffix.</summary>
public sealed class HostEntry : NamedNode
{
    internal const int NoVip = -1;
    private readonly Declaration[] _declarations;

    internal HostEntry(byte[] name, int hash, bool isWildcard, int vipIndex, Declaration[] declarations) : base(name, hash)
    {
        IsWildcard = isWildcard;
        VipIndex = vipIndex;
        _declarations = declarations;
    }

    /// <summary>True for <c>*.name</c>.</summary>
    public bool IsWildcard { get; }

    /// <summary>The index of its automatic VIP; -1 for none.</summary>
    public int VipIndex { get; }

    /// <summary>Oldest first, of all namespaces. Empty for a host that holds a lease and is declared nowhere.</summary>
    public ReadOnlySpan<Declaration> Declarations => _declarations;

    /// <summary>The host's name as text.</summary>
    public HostName Host => HostName.Parse((IsWildcard ? "*." : "") + WireText.Of(Name));

    internal bool IsDeclared => _declarations.Length != 0;

    /// <summary>
    /// Which record answers (behaviour.md): Services before ServiceEntries, then the client's own namespace, then the oldest visible one,
    /// among those that have an address.
    /// </summary>
    public RecordChoice Choose(in ClientView view)
    {
        var best = default(RecordChoice);
        var bestRank = int.MaxValue;
        foreach (var declaration in _declarations)
        {
            if (!view.Sees(declaration.Shape.Namespace, declaration.Shape.ExportTo)) continue;
            var choice = new RecordChoice(SourceOf(declaration, view), declaration);
            var rank = Rank(choice, view);
            if (rank >= bestRank) continue;
            best = choice;
            bestRank = rank;
        }
        return best;
    }

    /// <summary>The chosen record's addresses of one family, united over the namespace's declarations.</summary>
    public AddressList Addresses(in RecordChoice choice, in ClientView view, bool v6) => new(_declarations, choice, view, v6);

    // Lower is better; equal ranks keep the older declaration, since they are met oldest first.
    private static int Rank(in RecordChoice choice, in ClientView view)
    {
        var shape = choice.Record!.Shape;
        return (choice.Answers ? 0 : 4) + (shape.Kind == DocumentKind.Service ? 0 : 2) + (shape.Namespace == view.Namespace ? 0 : 1);
    }

    // The record is all of the namespace's declarations that the client sees: what one of them has, the record has.
    private AnswerSource SourceOf(Declaration declaration, in ClientView view)
    {
        if (declaration.HasAddresses) return AnswerSource.Explicit;
        if (declaration.Shape.CnameTarget is not null) return AnswerSource.Cname;
        var isEligible = declaration.Shape.Eligible;
        if (_declarations.Length > 1)
        {
            foreach (var other in _declarations)
            {
                if (!SameRecord(other, declaration) || !view.Sees(other.Shape.Namespace, other.Shape.ExportTo)) continue;
                if (other.HasAddresses) return AnswerSource.Explicit;
                isEligible |= other.Shape.Eligible;
            }
        }
        return isEligible && VipIndex != NoVip ? AnswerSource.Vip : AnswerSource.NoAddress;
    }

    internal static bool SameRecord(Declaration x, Declaration y) => x.Shape.Kind == y.Shape.Kind && x.Shape.Namespace == y.Shape.Namespace;
}
