using System.Runtime.InteropServices;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Directory;

/// <summary>Addresses of one family, of all declarations that make up a record, without copying them.</summary>
public readonly ref struct AddressList
{
    private readonly ReadOnlySpan<Declaration> _declarations;
    private readonly Declaration? _record;
    private readonly ClientView _view;
    private readonly bool _v6;

    internal AddressList(ReadOnlySpan<Declaration> declarations, scoped in RecordChoice choice, scoped in ClientView view, bool v6)
    {
        _declarations = declarations;
        _record = choice.Source == AnswerSource.Explicit ? choice.Record : null;
        _view = view;
        _v6 = v6;
        if (_record is null) return;
        foreach (var declaration in declarations) if (Contributes(declaration)) Count += Bytes(declaration).Length / Size;
    }

    /// <summary>How many there are; one that two declarations have counts twice.</summary>
    public int Count { get; }

    private int Size => _v6 ? 16 : 4;

    /// <summary>The address at an index, in network order. False for one that an earlier declaration has too: it must not be answered twice.</summary>
    public bool TryGet(int index, out ReadOnlySpan<byte> address)
    {
        address = default;
        for (var i = 0; i < _declarations.Length; i++)
        {
            if (!Contributes(_declarations[i])) continue;
            var bytes = Bytes(_declarations[i]);
            if (index >= bytes.Length / Size)
            {
                index -= bytes.Length / Size;
                continue;
            }
            address = bytes.Slice(index * Size, Size);
            return !IsKnownBefore(i, address);
        }
        return false;
    }

    private bool IsKnownBefore(int declaration, ReadOnlySpan<byte> address)
    {
        for (var i = 0; i < declaration; i++)
        {
            if (!Contributes(_declarations[i])) continue;
            var known = _v6
                ? MemoryMarshal.Cast<byte, UInt128>(Bytes(_declarations[i])).Contains(MemoryMarshal.Read<UInt128>(address))
                : MemoryMarshal.Cast<byte, uint>(Bytes(_declarations[i])).Contains(MemoryMarshal.Read<uint>(address));
            if (known) return true;
        }
        return false;
    }

    private bool Contributes(Declaration declaration) =>
        ReferenceEquals(declaration, _record)
        || (_record is not null && HostEntry.SameRecord(declaration, _record) && _view.Sees(declaration.Shape.Namespace, declaration.Shape.ExportTo));

    private ReadOnlySpan<byte> Bytes(Declaration declaration) => _v6 ? declaration.IPv6 : declaration.IPv4;
}
