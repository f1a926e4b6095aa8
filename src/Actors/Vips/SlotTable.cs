using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Vips;

/// <summary>What the ledger knows of one index; an index that was never used has no slot.</summary>
/// <param name="State">As of the ledger's last event.</param>
/// <param name="Host">The holder of a lease, or the last one; null when reserved, or last held by explicit claims.</param>
/// <param name="Since">When it entered the state.</param>
/// <param name="Until">When its quarantine ends; 0 in other states.</param>
/// <param name="Returns">The host gets this index back when it returns; false once it was given another one.</param>
internal sealed record VipSlot(VipState State, HostName? Host, long Since, long Until, bool Returns);

/// <summary>
/// An immutable array of 65,536 slots: a tree of fan-out 16, so that a change copies four short nodes (600 bytes)
/// where a flat array would copy half a megabyte.
/// </summary>
internal sealed class SlotTable
{
    private const int FanOut = 16;
    private const int BitsPerLevel = 4;
    private const int TopShift = 12;
    private readonly object?[] _root;

    private SlotTable(object?[] root) => _root = root;

    public static SlotTable Empty { get; } = new(new object?[FanOut]);

    public VipSlot? this[int index]
    {
        get
        {
            object? node = _root;
            for (var shift = TopShift; shift >= 0 && node is not null; shift -= BitsPerLevel)
                node = ((object?[])node)[Position(index, shift)];
            return (VipSlot?)node;
        }
    }

    public SlotTable With(int index, VipSlot slot) => new(With(_root, TopShift, index, slot));

    /// <summary>Every slot in [first, last], in order.</summary>
    public IEnumerable<(int Index, VipSlot Slot)> Used(int first, int last)
    {
        for (var index = first; index <= last; index++)
            if (this[index] is { } slot) yield return (index, slot);
    }

    private static object?[] With(object? node, int shift, int index, VipSlot slot)
    {
        var copy = node is null ? new object?[FanOut] : (object?[])((object?[])node).Clone();
        var at = Position(index, shift);
        copy[at] = shift == 0 ? slot : With(copy[at], shift - BitsPerLevel, index, slot);
        return copy;
    }

    private static int Position(int index, int shift) => (index >> shift) & (FanOut - 1);
}
