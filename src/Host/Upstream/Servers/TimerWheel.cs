using System.Numerics;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>Something that is due at a time. In at most one <see cref="TimerWheel"/>.</summary>
internal abstract class WheelTimer
{
    internal WheelTimer? Before { get; set; }

    internal WheelTimer? After { get; set; }

    internal int Slot { get; set; } = -1;

    /// <summary>When, on the <see cref="UpstreamClock"/>.</summary>
    public long DueAtMs { get; internal set; }

    /// <summary>Called once it is due, on the thread of the wheel; it may set and clear any timer, itself too.</summary>
    public abstract void OnDue(long nowMs);
}

/// <summary>
/// Timers of a query or an attempt: to set or clear one is to link or unlink it, whatever their number, where a timer of the framework takes a lock and a
/// place in a list for each. One slot a millisecond; what is due later than a turn stays in its slot for the next. For one thread.
/// </summary>
internal sealed class TimerWheel
{
    private const int Slots = 4096;
    private const int BitsPerWord = 64;

    private readonly WheelTimer?[] _slots = new WheelTimer?[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / BitsPerWord];
    private long _doneMs = -1;
    private int _count;

    /// <summary>Timers set.</summary>
    public int Count => _count;

    /// <summary>No timer is due before this; it may be that none is due at it either. Null when none is set.</summary>
    public long? NextDueMs => _count == 0 ? null : _doneMs + NextOccupied((int)((_doneMs + 1) % Slots)) + 1;

    /// <summary>Sets a timer, anew if it is set; one that is due already fires with the next <see cref="Expire"/> of a later millisecond.</summary>
    public void Set(WheelTimer timer, long dueAtMs)
    {
        Clear(timer);
        timer.DueAtMs = Math.Max(dueAtMs, _doneMs + 1);
        timer.Slot = (int)(timer.DueAtMs % Slots);
        timer.After = _slots[timer.Slot];
        if (timer.After is { } next)
            next.Before = timer;
        _slots[timer.Slot] = timer;
        _occupied[timer.Slot / BitsPerWord] |= 1UL << (timer.Slot % BitsPerWord);
        _count++;
    }

    /// <summary>Clears a timer; nothing happens to one that is not set.</summary>
    public void Clear(WheelTimer timer)
    {
        if (timer.Slot < 0)
            return;
        if (timer.Before is { } before)
            before.After = timer.After;
        else
            _slots[timer.Slot] = timer.After;
        if (timer.After is { } after)
            after.Before = timer.Before;
        if (_slots[timer.Slot] is null)
            _occupied[timer.Slot / BitsPerWord] &= ~(1UL << (timer.Slot % BitsPerWord));
        timer.Before = null;
        timer.After = null;
        timer.Slot = -1;
        _count--;
    }

    /// <summary>Fires all that are due. Time does not go back.</summary>
    public void Expire(long nowMs)
    {
        long first = Math.Max(_doneMs + 1, nowMs - Slots + 1);
        _doneMs = Math.Max(_doneMs, nowMs);
        while (_count != 0 && first <= nowMs)
        {
            first += NextOccupied((int)(first % Slots));
            if (first > nowMs)
                return;
            while (FindDue((int)(first % Slots), nowMs) is { } due)
            {
                Clear(due);
                due.OnDue(nowMs);
            }
            first++;
        }
    }

    private WheelTimer? FindDue(int slot, long nowMs)
    {
        WheelTimer? each = _slots[slot];
        while (each is not null && each.DueAtMs > nowMs)
            each = each.After;
        return each;
    }

    // Slots from one to the next that holds a timer, itself included.
    private int NextOccupied(int from)
    {
        int word = from / BitsPerWord;
        ulong bits = _occupied[word] & (ulong.MaxValue << (from % BitsPerWord));
        for (int i = 0; i <= _occupied.Length; i++)
        {
            if (bits != 0)
                return ((word * BitsPerWord) + BitOperations.TrailingZeroCount(bits) - from + Slots) % Slots;
            word = (word + 1) % _occupied.Length;
            bits = _occupied[word];
        }
        return Slots;
    }
}
