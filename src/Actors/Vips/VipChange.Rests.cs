using System.Globalization;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Vips;

/// <content>What rested elsewhere and is to rest here. What is known here counts for more: a rest never takes a VIP from anybody, and never shortens another.</content>
internal sealed partial class VipChange
{
    private const int MaxNotes = 32;

    private readonly List<string> _notes = [];
    private int _ended;
    private int _withoutEffect;

    private IReadOnlyList<string>? Notes
    {
        get
        {
            if (_withoutEffect > MaxNotes) _notes.Add($"and {_withoutEffect - MaxNotes} more resting lines are not taken as they are");
            if (_ended > 0) _notes.Add($"{_ended} of {_rests.Count} resting lines have ended and have no effect");
            return _notes.Count == 0 ? null : _notes;
        }
    }

    private void Rest()
    {
        foreach (var rest in _rests)
        {
            // Where the clock is behind the ledger's time, what is left of the rest counts from there.
            var until = VipPool.Later(rest.Until, _behindMs);
            if (until <= _at) _ended++;
            else if (rest.Cidr is { } cidr) RestRange(cidr, until);
            else RestVip(rest, until);
        }
    }

    private void RestVip(WantedRest rest, long until)
    {
        var slot = _ledger.Pool.Slots[rest.Index];
        if (slot is { State: VipState.Leased }) { Note($"{rest.Vip} does not rest: {slot.Host} holds it here"); return; }
        if (slot is { State: VipState.Reserved }) { Note($"{rest.Vip} does not rest: {_ledger.ClaimantsOf(rest.Index)[0]} declares the address here"); return; }
        if (slot is { State: VipState.Quarantined } && slot.Host != rest.Host) Note($"{rest.Vip} rests for {slot.Host?.Text ?? "nobody"} here, not for {rest.Host?.Text ?? "nobody"}");
        if (slot is { State: VipState.Quarantined } && slot.Until >= until) return;
        Emit(new VipRested(rest.Index, rest.Host, until) { At = _at });
    }

    private void RestRange(string cidr, long until)
    {
        if (!_ledger.ExcludedRanges.Declared.HostsOf(cidr).IsEmpty) { Note($"{cidr} does not rest: it is declared here"); return; }
        if (_ledger.ExcludedRanges.Resting.TryGetValue(cidr, out var resting) && resting >= until) return;
        var (first, last) = _ledger.ExcludedRanges.Span(cidr);
        var held = _ledger.Pool.Slots.Used(first, last).Where(used => used.Slot.State == VipState.Leased).Select(used => used.Slot.Host).FirstOrDefault();
        if (held is { } host) Note($"{cidr} does not rest: {host} holds a VIP in it here");
        else Emit(new RangeRested(cidr, until) { At = _at });
    }

    private void Note(string text)
    {
        if (_withoutEffect++ < MaxNotes) _notes.Add(text);
    }

    private static string Moment(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())).ToString("u", CultureInfo.InvariantCulture);
}
