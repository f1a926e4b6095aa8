using System.Runtime.InteropServices;
using MeshDns.Contracts.Dns;

namespace MeshDns.Actors.Directory;

/// <summary>The hosts that declare an address.</summary>
public readonly ref struct AddressHolders
{
    private readonly ReadOnlySpan<HostEntry> _several;
    private readonly HostEntry? _one;

    internal AddressHolders(HostEntry one)
    {
        _one = one;
        Count = 1;
    }

    internal AddressHolders(HostEntry[] several)
    {
        _several = several;
        Count = several.Length;
    }

    /// <summary>How many.</summary>
    public int Count { get; }

    /// <summary>One of them.</summary>
    public HostEntry this[int index] => _one ?? _several[index];
}

/// <summary>
/// Explicit addresses to the hosts that declare them, for PTR: open addressing, one writer, readers without a lock. A slot is the host itself, which holds
/// its addresses already, so that most addresses cost 12 bytes at the index's load; an address has an object where several hosts declare it, or one with
/// many addresses.
/// </summary>
internal sealed class AddressIndex(ulong seed)
{
    /// <summary>The most hosts that are shown of one address.</summary>
    public const int MaxShown = 16;

    private const int MaxLooked = 8;
    private const int MinCapacity = 64;
    private static readonly object _tombstone = new();
    private Slots _slots = new(MinCapacity);
    private int _used; // slots that are not empty, tombstones included
    private int _count;

    /// <summary>The hosts of an address. Any thread.</summary>
    /// <param name="address">4 or 16 bytes.</param>
    public AddressHolders Find(ReadOnlySpan<byte> address)
    {
        var slots = Volatile.Read(ref _slots);
        var tag = TagOf(address);
        for (var i = tag & slots.Mask; ; i = (i + 1) & slots.Mask)
        {
            switch (Volatile.Read(ref slots.Nodes[i]))
            {
                case null: return default;
                // A slot's tag is written before it and never again.
                case HostEntry host when slots.Tags[i] == tag && Has(host, address): return new AddressHolders(host);
                case SharedAddress shared when shared.Is(address): return new AddressHolders(shared.Shown);
            }
        }
    }

    /// <summary>Takes in that a host's entry is replaced; null for none. The writer only.</summary>
    public void Change(HostEntry? before, HostEntry? after)
    {
        if ((before ?? after) is not { IsWildcard: false }) return;
        if (before is not null) Leave(before, after);
        if (after is not null) Come(before, after);
    }

    private void Leave(HostEntry before, HostEntry? after)
    {
        foreach (var declaration in before.Declarations)
        {
            for (var v4 = declaration.IPv4; !v4.IsEmpty; v4 = v4[4..]) if (after is null || !Has(after, v4[..4])) Remove(v4[..4], before);
            for (var v6 = declaration.IPv6; !v6.IsEmpty; v6 = v6[16..]) if (after is null || !Has(after, v6[..16])) Remove(v6[..16], before);
        }
    }

    private void Come(HostEntry? before, HostEntry after)
    {
        foreach (var declaration in after.Declarations)
        {
            for (var v4 = declaration.IPv4; !v4.IsEmpty; v4 = v4[4..]) Put(v4[..4], before, after);
            for (var v6 = declaration.IPv6; !v6.IsEmpty; v6 = v6[16..]) Put(v6[..16], before, after);
        }
    }

    private void Put(ReadOnlySpan<byte> address, HostEntry? before, HostEntry after)
    {
        var tag = TagOf(address);
        var i = tag & _slots.Mask;
        for (; _slots.Nodes[i] is { } node; i = (i + 1) & _slots.Mask)
        {
            if (node is SharedAddress shared && shared.Is(address))
            {
                shared.Put(before, after);
                return;
            }
            if (node is not HostEntry host || _slots.Tags[i] != tag || !Has(host, address)) continue;
            // The same address twice in one host is there already.
            if (ReferenceEquals(host, after)) return;
            var isNext = ReferenceEquals(host, before);
            if (!isNext) Volatile.Write(ref _slots.Nodes[i], new SharedAddress(address, host, after));
            else Volatile.Write(ref _slots.Nodes[i], NodeOf(after, address, tag));
            return;
        }
        _slots.Tags[i] = tag;
        Volatile.Write(ref _slots.Nodes[i], NodeOf(after, address, tag));
        _count++;
        if (++_used > (_slots.Nodes.Length >> 2) * 3) Rebuild();
    }

    private void Remove(ReadOnlySpan<byte> address, HostEntry before)
    {
        var tag = TagOf(address);
        for (var i = tag & _slots.Mask; _slots.Nodes[i] is { } node; i = (i + 1) & _slots.Mask)
        {
            if (node is SharedAddress shared && shared.Is(address))
            {
                shared.Remove(before);
                if (shared.Sole is { } last) Volatile.Write(ref _slots.Nodes[i], NodeOf(last, address, tag, shared));
                else if (shared.Shown.Length == 0) Clear(i);
                return;
            }
            if (!ReferenceEquals(node, before) || _slots.Tags[i] != tag) continue;
            Clear(i);
            return;
        }
    }

    private void Clear(int slot)
    {
        Volatile.Write(ref _slots.Nodes[slot], _tombstone);
        _count--;
    }

    // A host stands in a slot itself while that says which address is meant; of many addresses nobody looks.
    private object NodeOf(HostEntry host, ReadOnlySpan<byte> address, int tag, SharedAddress? shared = null)
    {
        var (addresses, sameTag) = (0, 0);
        foreach (var declaration in host.Declarations)
        {
            addresses += (declaration.IPv4.Length / 4) + (declaration.IPv6.Length / 16);
            if (addresses > MaxLooked) return shared ?? new SharedAddress(address, host);
            for (var v4 = declaration.IPv4; !v4.IsEmpty; v4 = v4[4..]) if (TagOf(v4[..4]) == tag && !v4[..4].SequenceEqual(address)) sameTag++;
            for (var v6 = declaration.IPv6; !v6.IsEmpty; v6 = v6[16..]) if (TagOf(v6[..16]) == tag && !v6[..16].SequenceEqual(address)) sameTag++;
        }
        return sameTag == 0 ? host : shared ?? new SharedAddress(address, host);
    }

    private void Rebuild()
    {
        var capacity = MinCapacity;
        while ((capacity >> 1) < _count + 1) capacity <<= 1;
        var (from, to) = (_slots, new Slots(capacity));
        for (var old = 0; old < from.Nodes.Length; old++)
        {
            if (from.Nodes[old] is not { } node || ReferenceEquals(node, _tombstone)) continue;
            var i = from.Tags[old] & to.Mask;
            while (to.Nodes[i] is not null) i = (i + 1) & to.Mask;
            (to.Nodes[i], to.Tags[i]) = (node, from.Tags[old]);
        }
        _used = _count;
        Volatile.Write(ref _slots, to);
    }

    private int TagOf(ReadOnlySpan<byte> address) => (int)DnsName.Hash(address, seed);

    private static bool Has(HostEntry host, ReadOnlySpan<byte> address)
    {
        foreach (var declaration in host.Declarations) if (IndexOf(declaration, address) >= 0) return true;
        return false;
    }

    private static int IndexOf(Declaration declaration, ReadOnlySpan<byte> address) => address.Length == sizeof(uint)
        ? MemoryMarshal.Cast<byte, uint>(declaration.IPv4).IndexOf(MemoryMarshal.Read<uint>(address))
        : MemoryMarshal.Cast<byte, UInt128>(declaration.IPv6).IndexOf(MemoryMarshal.Read<UInt128>(address));

    private sealed class Slots(int capacity)
    {
        public readonly object?[] Nodes = new object?[capacity];
        public readonly int[] Tags = new int[capacity];

        public int Mask => Nodes.Length - 1;
    }

    // Of any number of hosts, whose order says nothing: one leaves by the last one taking its place.
    private sealed class SharedAddress
    {
        private readonly byte[] _address;
        private readonly List<HostEntry> _hosts;
        private Dictionary<HostEntry, int>? _places; // where each is, once they are many
        private HostEntry[] _shown;

        public SharedAddress(ReadOnlySpan<byte> address, params ReadOnlySpan<HostEntry> hosts)
        {
            _address = address.ToArray();
            _hosts = [.. hosts];
            _shown = [.. hosts];
        }

        public HostEntry[] Shown => Volatile.Read(ref _shown);

        public HostEntry? Sole => _hosts.Count == 1 ? _hosts[0] : null;

        public bool Is(ReadOnlySpan<byte> address) => address.SequenceEqual(_address);

        public void Put(HostEntry? before, HostEntry after)
        {
            if (PlaceOf(after) >= 0) return;
            var place = before is null ? -1 : PlaceOf(before);
            if (place >= 0)
            {
                _places?.Remove(before!);
                _hosts[place] = after;
            }
            else
            {
                place = _hosts.Count;
                _hosts.Add(after);
            }
            if (_hosts.Count > MaxShown && _places is null) _places = Enumerable.Range(0, _hosts.Count).ToDictionary(i => _hosts[i]);
            else if (_places is not null) _places[after] = place;
            if (place < MaxShown) Show();
        }

        public void Remove(HostEntry before)
        {
            var place = PlaceOf(before);
            if (place < 0) return;
            _places?.Remove(before);
            var moved = _hosts[^1];
            _hosts.RemoveAt(_hosts.Count - 1);
            if (place < _hosts.Count)
            {
                _hosts[place] = moved;
                if (_places is not null) _places[moved] = place;
            }
            if (place < MaxShown) Show();
        }

        private int PlaceOf(HostEntry host) => _places is null ? _hosts.IndexOf(host) : _places.GetValueOrDefault(host, -1);

        private void Show() => Volatile.Write(ref _shown, [.. _hosts.Take(MaxShown)]);
    }
}
