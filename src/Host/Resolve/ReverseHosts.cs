using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>The hosts that answer with an address, as far as a client sees them: whose VIP it is, then those that declare it. Allocates nothing.</summary>
/// <param name="directory">What is known.</param>
/// <param name="view">What the client sees.</param>
/// <param name="address">4 or 16 bytes.</param>
internal ref struct ReverseHosts(MeshDirectory directory, ClientView view, ReadOnlySpan<byte> address)
{
    private readonly ReadOnlySpan<byte> _address = address;
    private readonly AddressHolders _holders = directory.HoldersOf(address);
    private int _next = -1;

    /// <summary>One of them; a wildcard, which no PTR can name, only where the address is its VIP.</summary>
    public HostEntry Current { get; private set; } = null!;

    /// <summary>What it answers with.</summary>
    public RecordChoice Choice { get; private set; }

    /// <summary>Goes on to the next; false after the last.</summary>
    public bool MoveNext()
    {
        while (_next < _holders.Count)
        {
            var at = _next++;
            if (at < 0 ? TryTakeHolder() : TryTake(_holders[at])) return true;
        }
        return false;
    }

    private bool TryTakeHolder()
    {
        if (!directory.Range.TryIndexOf(_address, out var index) || directory.HolderOf(index) is not { } holder) return false;
        (Current, Choice) = (holder, holder.Choose(view));
        return Choice.Source == AnswerSource.Vip;
    }

    private bool TryTake(HostEntry host)
    {
        (Current, Choice) = (host, host.Choose(view));
        if (Choice.Source != AnswerSource.Explicit) return false;
        var addresses = host.Addresses(Choice, view, _address.Length == 16);
        for (var i = 0; i < addresses.Count; i++) if (addresses.TryGet(i, out var one) && one.SequenceEqual(_address)) return true;
        return false;
    }
}
