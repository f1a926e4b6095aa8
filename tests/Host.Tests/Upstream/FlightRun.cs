using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Flights;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Plays a life on a flight, as its runner would with sockets and timers that do what the life says; throws where a promise is broken.</summary>
internal sealed class FlightRun
{
    private const long TimeoutMs = 4000;
    private readonly FlightLife _life;
    private readonly Flight _flight = new(new AnswerFilter(VipRange.Default), TimeoutMs);
    private readonly ServerHealth[] _servers;
    private readonly Dictionary<int, UnderWay> _underWay = [];
    private readonly Dictionary<ForwardedQuery, long> _waiting = [];
    private readonly Dictionary<int, int> _sends = [];
    private readonly long _deadlineMs;
    private Queue<int> _fates = new();
    private long _nowMs = 1_000_000;
    private ushort _nextId = 100;
    private int _begun;
    private int _completed;
    private int _joined;
    private int _told;

    public FlightRun(FlightLife life)
    {
        _life = life;
        _servers = [.. Enumerable.Range(0, life.Servers).Select(_ => new ServerHealth())];
        _deadlineMs = _nowMs + TimeoutMs;
    }

    /// <summary>All that was done, so that two lives can be compared.</summary>
    public List<string> Transcript { get; } = [];

    public bool IsAnswered => _flight.Outcome.Answer is not null;

    public int Attempts => _begun;

    /// <summary>Plays it to its end.</summary>
    public void Play(Func<FlightStep, bool> isPlayed)
    {
        var stale = new CachedAnswer { Message = [], QuestionEnd = 0, Kind = AnswerKind.Positive, StoredAtMs = 0, LifetimeSeconds = 1 };
        _flight.Begin(FlightReplies.Question, _life.HasStale ? stale : null, _deadlineMs);
        Join(0);
        _flight.Start(_servers, _servers.Length, (uint)_life.Probes, _life.Rounds == 0 ? null : _life.Rounds, null, _nowMs);
        Act();
        foreach (FlightStep step in _life.Steps.Where(isPlayed))
        {
            _fates = new Queue<int>(step.Fates);
            Play(step);
            _fates.Clear();
        }
        // Then nobody says anything more, but TCP ends when it is told to, as it must.
        while (_flight.DueAtMs != long.MaxValue)
            Forward(_flight.DueAtMs - _nowMs);
        Assert.Equal((1, 0, _joined), (_completed, _waiting.Count, _told));
        foreach (int tcp in _underWay.Where(each => each.Value.IsTcp).Select(each => each.Key).ToList())
            OnTcp(tcp, 10);
        Assert.True(_flight.IsIdle);
        Assert.Empty(_underWay);
    }

    private void Play(FlightStep step)
    {
        List<int> udp = [.. _underWay.Where(each => !each.Value.IsTcp).Select(each => each.Key).Order()];
        List<int> tcp = [.. _underWay.Where(each => each.Value.IsTcp).Select(each => each.Key).Order()];
        switch (step.Event)
        {
            case FlightEvent.Join when !_flight.IsOver:
                Join(step.Which * 3);
                break;
            case FlightEvent.Leave when _waiting.Count > 1:
                ForwardedQuery leaver = _waiting.Keys.ElementAt(step.Which % _waiting.Count);
                _flight.Leave(leaver);
                Tell(leaver);
                break;
            case FlightEvent.Forward:
                Forward(step.Which);
                break;
            case FlightEvent.Reply when udp.Count != 0:
                OnReply(udp[step.Which % udp.Count], step);
                break;
            case FlightEvent.FalseReply when udp.Count != 0:
                _flight.OnFalseReply(udp[step.Which % udp.Count]);
                break;
            case FlightEvent.Unreachable when udp.Count != 0:
                _flight.OnUnreachable(udp[step.Which % udp.Count], _nowMs);
                break;
            case FlightEvent.Tcp when tcp.Count != 0:
                OnTcp(tcp[step.Which % tcp.Count], step.How);
                break;
            case FlightEvent.Fail when step.Which < 70:
                _flight.Fail(ForwardFailure.Overload);
                break;
            case FlightEvent.Abandon when _flight.IsOver:
                _flight.Abandon();
                break;
        }
        Act();
    }

    private void OnReply(int attempt, FlightStep step)
    {
        UnderWay way = _underWay[attempt];
        ReplyVerdict verdict = _flight.OnReply(attempt, FlightReplies.Datagram(step.How, way.Id, way.Edns), isCut: false, step.Which, _nowMs);
        Assert.Equal(step.IsLie, verdict is not (ReplyVerdict.Accept or ReplyVerdict.Malformed));
    }

    private void OnTcp(int attempt, int how)
    {
        _flight.OnTcp(attempt, FlightReplies.OfTcp(how), _nowMs);
        Act();
    }

    private void Join(long beforeMs)
    {
        ForwardedQuery query = new Posted { ArrivedAtMs = Math.Max(_nowMs - beforeMs, _nowMs - TimeoutMs + 1) };
        _waiting.Add(query, query.ArrivedAtMs + TimeoutMs);
        _joined++;
        _flight.Join(query);
    }

    // A timer fires once it is due; how much later, no promise may depend on but by so much.
    private void Forward(long ms)
    {
        _nowMs += ms;
        if (_nowMs < _flight.DueAtMs)
        {
            Assert.DoesNotContain(_waiting.Values, deadlineMs => deadlineMs < Math.Min(_nowMs, _deadlineMs));
            return;
        }
        _flight.OnDue(_nowMs);
        Act();
        Assert.True(_flight.DueAtMs > _nowMs, "it is due again at once");
        Assert.DoesNotContain(_waiting.Values, deadlineMs => deadlineMs <= _nowMs && deadlineMs < _deadlineMs);
        bool isTcp = _underWay.Values.Any(each => each.IsTcp);
        Assert.True(_flight.IsOver || _nowMs < (isTcp ? _deadlineMs + Flight.MarginMs : _deadlineMs), "the deadline has passed");
    }

    private void Act()
    {
        for (int count = 0; _flight.TryTakeOutput(out FlightOutput output); count++)
        {
            Assert.True(count <= 4 * Flight.MaxAttempts, "outputs without end");
            Transcript.Add($"{_nowMs} {output}");
            Do(output);
        }
        Assert.True(_flight.IsOver || _flight.DueAtMs <= _deadlineMs + Flight.MarginMs, "nobody would end it");
    }

    private void Do(in FlightOutput output)
    {
        switch (output.Kind)
        {
            case FlightOutputKind.Send:
                Send(output);
                break;
            case FlightOutputKind.SendOverTcp:
                Sending(output);
                Assert.False(_underWay[output.Attempt].IsTcp);
                _underWay[output.Attempt] = _underWay[output.Attempt] with { IsTcp = true };
                break;
            case FlightOutputKind.CancelTcp:
                Assert.True(_underWay[output.Attempt].IsTcp);
                break;
            case FlightOutputKind.End or FlightOutputKind.Abandon or FlightOutputKind.EndWithoutPlace:
                Assert.True(_underWay.Remove(output.Attempt), "an attempt ended twice");
                break;
            case FlightOutputKind.RecordTimeout:
                _servers[output.Server].RecordTimeout(output.Value);
                break;
            case FlightOutputKind.Hedge when _life.HasBudget:
                _flight.Hedge(_nowMs);
                break;
            case FlightOutputKind.ServeStale:
                Assert.True(_life.HasStale);
                TellAll(_flight.Waiters.ToServeStale.TryTake);
                break;
            case FlightOutputKind.GiveUp:
                TellAll(_flight.Waiters.ToGiveUp.TryTake);
                break;
            case FlightOutputKind.Complete:
                Assert.Equal(1, ++_completed);
                TellAll(_flight.Waiters.TryTake);
                break;
        }
    }

    private void Send(in FlightOutput output)
    {
        if (output.IsFirst)
        {
            Assert.False(_underWay.ContainsKey(output.Attempt));
            _sends[output.Attempt] = 0;
        }
        bool isProbe = output.IsFirst ? !_flight.IsOver && _begun < Probes : _underWay[output.Attempt].IsProbe;
        _underWay[output.Attempt] = new UnderWay(_nextId, output.Edns, IsTcp: false, isProbe);
        Sending(output);
        if (output.IsFirst)
            _begun++;
        Assert.True(_begun <= Probes + Math.Min(ServerTurns.MaxTurns, _life.Servers * (_life.Rounds == 0 ? ServerTurns.MaxTurns : _life.Rounds)), "asked too often");
        switch (_fates.TryDequeue(out int fate) ? fate : 0)
        {
            case 1 when output.IsFirst:
                _flight.OnNoPlace(output.Attempt, _nowMs);
                break;
            case 2 or 3:
                _flight.OnNoPort(output.Attempt, isFull: true, _nowMs);
                break;
            default:
                _flight.OnSent(output.Attempt, _nextId++);
                break;
        }
    }

    private int Probes => Enumerable.Range(1, 31).Count(i => i < _life.Servers && (_life.Probes & (1u << i)) != 0);

    private void Sending(in FlightOutput output)
    {
        Assert.True(!_flight.IsOver || _underWay[output.Attempt].IsProbe, "sent when it was over");
        Assert.True(++_sends[output.Attempt] <= 4, "one attempt sends without end");
    }

    private delegate bool TryTake(out ForwardedQuery query);

    private void TellAll(TryTake tryTake)
    {
        while (tryTake(out ForwardedQuery query))
            Tell(query);
    }

    private void Tell(ForwardedQuery query)
    {
        Assert.True(_waiting.Remove(query), "told twice, or who did not wait");
        _told++;
    }

    private readonly record struct UnderWay(ushort Id, bool Edns, bool IsTcp, bool IsProbe);
}
