using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>Plays a sequence of steps on a ledger and, beside it, on everything that must agree with it; throws where anything differs.</summary>
internal sealed class LedgerRun
{
    private readonly VipRange _range;
    private readonly VipLedgerCore _core;
    private readonly PromiseWitness _witness;
    private readonly List<MeshEvent> _journal = [];
    private readonly bool _onlyPromises;
    private NaiveLedger _model;
    private VipLedger _state;
    private VipLedger _restored;
    private long _now = 1_000_000;

    /// <summary>Takes the quarantine that the core really keeps, so that a test can plant one that differs from what was promised.</summary>
    public LedgerRun(LedgerWorld world, long keptQuarantineMs, bool onlyPromises = false)
    {
        _range = new VipRange(Cidr.Parse(world.V4), Cidr.Parse("2001:2::/48"));
        _core = new VipLedgerCore(_range, TimeSpan.FromMilliseconds(keptQuarantineMs));
        _witness = new PromiseWitness(_range, LedgerWorld.QuarantineMs);
        _model = new NaiveLedger(_range, LedgerWorld.QuarantineMs);
        _state = _restored = _core.Empty;
        _onlyPromises = onlyPromises;
    }

    public int Refusals { get; private set; }

    public int Moves { get; private set; }

    public int Rests { get; private set; }

    public int Wishes { get; private set; }

    public void Play(IEnumerable<LedgerStep> steps)
    {
        foreach (var step in steps)
        {
            Play(step);
            if (!_onlyPromises) Agree();
        }
        if (!_onlyPromises) ReplayFromEveryPrefix();
    }

    private void Play(LedgerStep step)
    {
        switch (step)
        {
            case LedgerStep.Forward s: _now += s.Ms; break;
            case LedgerStep.Back s:
                _now -= s.Ms;
                if (!s.Reported || VipLedgerCore.OnClock(_state, _now) is not ClockSetBack back) break;
                _model = _model.ClockSetBack(back.ByMs);
                Append(back);
                break;
            case LedgerStep.Quarantine s:
                if (_onlyPromises || VipLedgerCore.OnQuarantine(_state, TimeSpan.FromMilliseconds(s.PeriodMs), _now) is not { } changed) break;
                _model = _model.QuarantineChanged(s.PeriodMs, _now);
                Append(changed);
                break;
            case LedgerStep.Change s: Change(s.At(_now)); break;
        }
    }

    private void Append(MeshEvent fact)
    {
        _witness.Saw(fact);
        _journal.Add(fact);
        _state = VipLedgerCore.Apply(_state, fact);
        _restored = VipLedgerCore.Apply(_restored, fact);
    }

    private void Change(VipCommand command)
    {
        var before = VipLedgerCore.Snapshot(_state);
        var decision = _core.Decide(_state, command);
        Assert.Equal(before, VipLedgerCore.Snapshot(_state));
        if (decision.Refused is null) _witness.Saw(command, decision.Events);
        if (_onlyPromises) { _state = decision.State; return; }

        Assert.Equal(decision.Events, _core.Decide(_restored, command).Events);
        var model = _model.Change(command);
        Assert.Equal(model is null, decision.Refused is not null);
        if (decision.Refused is { } refused)
        {
            Assert.Equal(RefusalReason.PoolExhausted, refused.Reason);
            Assert.Same(_state, decision.State);
            Refusals++;
            return;
        }
        Moves += decision.Reply!.Moves.Count;
        Wishes += decision.Events.OfType<VipGranted>().Count(e => command.Demands.Any(d => d.Host == e.Host && d.Wish == e.Index));
        Assert.Equal(decision.Events.OfType<VipReleased>().Count(e => e.Reason == ReleaseReason.Evicted), decision.Reply.Moves.Count);
        Assert.All(decision.Events, e => Assert.Equal(Math.Max(_now, _state.LastAt), ((VipEvent)e).At));
        _model = model!;
        _journal.AddRange(decision.Events);
        _state = decision.Events.Aggregate(_state, VipLedgerCore.Apply);
        Assert.Equal(VipLedgerCore.Snapshot(decision.State), VipLedgerCore.Snapshot(_state));
        _restored = decision.Events.Aggregate(_restored, VipLedgerCore.Apply);
        Rests += decision.Events.Count(e => e is VipRested or RangeRested);
        var again = _core.Decide(_state, command);
        Assert.Empty(again.Events);
        Assert.Same(_state, again.State);
    }

    private void Agree()
    {
        var snapshot = VipLedgerCore.Snapshot(_state);
        Assert.Equal(snapshot, VipLedgerCore.Snapshot(_restored));
        _restored = _core.Restore(snapshot);
        Assert.Equal(snapshot, VipLedgerCore.Snapshot(_restored));

        var now = Math.Max(_now, _state.LastAt);
        Assert.Equal((_model.QuarantineMs, _model.LastAt), (_state.QuarantineMs, _state.LastAt));
        for (var index = _range.First; index <= _range.Last; index++)
        {
            if (!_range.IsUsable(index)) continue;
            var (record, expected) = (_state.Record(index, now), _model.At(index, now));
            Assert.Equal((index, expected.State, expected.Until), (record.Index, record.State, record.Until));
            Assert.Equal(expected.Hosts, record.Hosts);
        }
        var usage = _state.Usage(now);
        Assert.Equal(_model.Usage(now), usage);
        Assert.Equal(usage.Capacity, usage.Leased + usage.Quarantined + usage.Reserved + usage.Excluded + usage.Free);
        Assert.Equal(_model.Claims, _state.Claims);
        foreach (var (index, host, _) in _state.Leases)
        {
            Assert.False(_model.Excluded(index, now), $"{host} leases the excluded {index}");
            Assert.True(_state.TryGetLease(host, out var held) && held == index);
        }
    }

    private void ReplayFromEveryPrefix()
    {
        var end = VipLedgerCore.Snapshot(_state);
        var state = _core.Empty;
        // A long journal is cut at some hundred places; a short one everywhere.
        var stride = Math.Max(1, _journal.Count / 100);
        for (var cut = 0; cut <= _journal.Count; cut++)
        {
            if (cut % stride == 0)
            {
                var recovered = _core.Restore(VipLedgerCore.Snapshot(state));
                Assert.Equal(end, VipLedgerCore.Snapshot(_journal.Skip(cut).Aggregate(recovered, VipLedgerCore.Apply)));
            }
            if (cut < _journal.Count) state = VipLedgerCore.Apply(state, _journal[cut]);
        }
    }
}
