using System.Runtime.InteropServices;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Directory;

/// <summary>What a chosen record answers with.</summary>
public enum AnswerSource : byte
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

/// <summary>
/// All that is known of a host: immutable, replaced whole. A wildcard's name is its suffix. What most hosts are, one declaration that everybody sees, with
/// one address, is answered from this object alone: every other object is another wait for memory in a large directory.
/// </summary>
public sealed class HostEntry : NamedNode
{
    internal const int NoVip = -1;
    private readonly Declaration _first = null!;
    private readonly Declaration[]? _several;
    private readonly uint _soleIPv4;
    private readonly AnswerSource _sourceForAll;
    private readonly bool _isSoleIPv4;

    internal HostEntry(byte[] name, int hash, bool isWildcard, int vipIndex, Declaration[] declarations) : base(name, hash)
    {
        IsWildcard = isWildcard;
        VipIndex = vipIndex;
        if (declarations.Length > 1) _several = declarations;
        if (declarations.Length == 0) return;
        _first = declarations[0];
        if (declarations.Length > 1 || !_first.Shape.IsForAll) return;
        _sourceForAll = SourceOf(_first, ClientView.Default);
        _isSoleIPv4 = _sourceForAll == AnswerSource.Explicit && _first.IPv4.Length == sizeof(uint) && _first.IPv6.IsEmpty;
        if (_isSoleIPv4) _soleIPv4 = MemoryMarshal.Read<uint>(_first.IPv4);
    }

    /// <summary>True for <c>*.name</c>.</summary>
    public bool IsWildcard { get; }

    /// <summary>The index of its automatic VIP; -1 for none.</summary>
    public int VipIndex { get; }

    /// <summary>Oldest first, of all namespaces. Empty for a host that holds a lease and is declared nowhere.</summary>
    public ReadOnlySpan<Declaration> Declarations => _several ?? (_first is null ? default : new ReadOnlySpan<Declaration>(in _first));

    /// <summary>The host's name as text.</summary>
    public HostName Host => HostName.Parse((IsWildcard ? "*." : "") + WireText.Of(Name));

    internal bool IsDeclared => _first is not null;

    /// <summary>
    /// Which record answers (behaviour.md): by the precedence of kinds, then the client's own namespace, then the oldest visible one,
    /// among those that have an address.
    /// </summary>
    public RecordChoice Choose(in ClientView view)
    {
        if (_sourceForAll != AnswerSource.Invisible) return new RecordChoice(_sourceForAll, _first);
        var best = default(RecordChoice);
        var bestRank = int.MaxValue;
        foreach (var declaration in Declarations)
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
    public AddressList Addresses(scoped in RecordChoice choice, scoped in ClientView view, bool v6) => new(Declarations, choice, view, v6);

    /// <summary>The chosen record's ports.</summary>
    public PortList Ports(scoped in RecordChoice choice, scoped in ClientView view) => new(Declarations, choice, view);

    /// <summary>The host's only address, when that is all that any client is ever answered: an explicit IPv4 address.</summary>
    /// <param name="address">Its four bytes in network order, as they lie in memory.</param>
    public bool TryGetSoleIPv4(out uint address)
    {
        address = _soleIPv4;
        return _isSoleIPv4;
    }

    // Above whatever precedence and namespace add.
    private const int NoAnswer = (byte.MaxValue + 1) << 1;

    // Lower is better; equal ranks keep the older declaration, since they are met oldest first.
    private static int Rank(in RecordChoice choice, in ClientView view)
    {
        var shape = choice.Record!.Shape;
        return (choice.Answers ? 0 : NoAnswer) + (shape.Precedence << 1) + (shape.Namespace == view.Namespace ? 0 : 1);
    }

    // The record is all of the namespace's declarations that the client sees: what one of them has, the record has.
    private AnswerSource SourceOf(Declaration declaration, in ClientView view)
    {
        if (declaration.HasAddresses) return AnswerSource.Explicit;
        if (declaration.Shape.CnameTarget is not null) return AnswerSource.Cname;
        var isEligible = declaration.Shape.Eligible;
        if (_several is not null)
        {
            foreach (var other in _several)
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
