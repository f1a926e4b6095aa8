using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>One incarnation of the allocator in a process: recovers, then brings <see cref="ChangeLog"/> its inputs and carries its outputs out, until it ends or is killed.</summary>
internal sealed class SimulatedTerm(LogNode node)
{
    private const long HelloEveryMs = 400;
    private const int ImageEvery = 60;

    private readonly LogWorld _world = node.World;
    private readonly Dictionary<long, string> _callers = [];
    private readonly int _number = node.World.Terms + 1;
    private ChangeLogState? _state;
    private bool _isKilled;
    private bool _isStopping;
    private bool _hasCollided;
    private bool _notesImage;
    private long _imagedAt;
    private MeshImage? _image;

    public string Term { get; } = node.World.NewTerm();

    public bool IsServing => !_isKilled && _state?.Phase == TermPhase.Serving;

    /// <summary>What it takes for durable; null before it has recovered.</summary>
    public MeshState? Mesh => _state?.Mesh;

    private string Who => $"{node.Name} term {_number}";

    public void Begin()
    {
        node.Process.Every(250, () => Handle(new Ticked()));
        Recover();
    }

    /// <summary>It is gone, as an actor that was stopped; what it has sent goes on.</summary>
    public void Kill() => _isKilled = true;

    public void Stop()
    {
        _isStopping = true;
        if (_state is null) End("it had not begun");
        else Handle(new Stopping());
    }

    public void Submit(Submitted submitted, string from)
    {
        _callers[submitted.Id] = from;
        Handle(submitted);
    }

    public void Hear(PastLost lost)
    {
        if (IsServing) Handle(lost);
    }

    private void Recover()
    {
        if (_isKilled || _isStopping) return;
        var (position, leases) = (node.Followed.Position, node.Followed.Leases());
        _world.Log.Query(node.Process, database => database.Rows.ToArray(), rows =>
        {
            if (_isKilled || _isStopping) return;
            if (rows is null) node.Process.After(500, Recover);
            else Start(rows, position, leases);
        });
    }

    private void Start(LogRow[] rows, LogPosition position, PastLost leases)
    {
        MeshState recovered;
        try { recovered = _world.FoldOf(rows); }
        catch (BrokenLogException e)
        {
            _world.Problems.Add($"{Who} cannot recover at {_world.NowMs}: {e.Message}");
            End("the log is broken");
            return;
        }
        var lost = node.Followed.Lost;
        if (!Has(rows, position)) lost ??= leases;
        if (node.LastKnown is { } last && !Has(rows, last.Position)) lost ??= new PastLost([.. last.Ledger.Leases.Select(l => new KnownLease(l.Index, l.Host))]);
        lost ??= _world.LostElsewhere(node, p => Has(rows, p));
        var start = new ChangeLogStart
        {
            Recovered = recovered,
            Term = Term,
            Node = node.Name,
            Founding = new Founding("cluster", _world.Bug == LogBug.NoQuarantine ? LogWorld.FirstSettings with { QuarantineMs = 1 } : LogWorld.FirstSettings),
            Poison = node.Poison,
            Lost = lost,
        };
        _world.Say($"{Who} {Term} begins at {recovered.Position}{(lost is null ? "" : $", with {lost.Known.Count} leases of a lost past")}");
        if (_world.Bug == LogBug.NoStartRow && recovered.Position != LogPosition.Start)
        {
            _state = new ChangeLogState { Start = start, Mesh = recovered, Phase = TermPhase.Serving };
            SayHello();
            return;
        }
        (_state, var outputs) = ChangeLog.Begin(start, Now);
        CarryOut(outputs, 0);
    }

    private static bool Has(LogRow[] rows, LogPosition position) =>
        position == LogPosition.Start || (position.Number <= rows.Length && rows[(int)position.Number - 1].Position == position);

    // Planted: a clock that stood still while the machine slept is asked alone.
    private Moment Now => _world.Bug == LogBug.StampStandsStill ? node.Process.Now with { WallMs = node.Process.Now.MonotonicMs } : node.Process.Now;

    private void Handle(ChangeLogInput input)
    {
        if (_isKilled || _state is null) return;
        var wasServing = IsServing;
        var before = _state.Mesh;
        (_state, var outputs) = _world.Core.Handle(_state, input, Now);
        Note(before);
        CarryOut(outputs, 0);
        if (!wasServing && IsServing)
        {
            _world.Say($"{Who} serves, epoch {_state.Mesh.Epoch}");
            SayHello();
        }
        if (IsServing && _state.Mesh.Position.Number > _imagedAt + ImageEvery) SaveImage();
    }

    private void Note(MeshState before)
    {
        var mesh = _state!.Mesh;
        if (mesh.Position == before.Position) return;
        _world.Shared.Note(Who, mesh.Position, mesh.Shared);
        if (LogBugs.SpoilLedger(_world.Bug, before.Ledger, mesh.Ledger) is { } spoilt) _state = _state with { Mesh = mesh with { Ledger = spoilt } };
    }

    // An incarnation between two of its outputs may be held, killed, or die with its process.
    private void CarryOut(IReadOnlyList<ChangeLogOutput> outputs, int from)
    {
        for (var i = from; i < outputs.Count && !_isKilled; i++)
        {
            _world.Stumble(node);
            if (!node.Process.IsRunning)
            {
                var next = i;
                node.Process.Run(() => CarryOut(outputs, next));
                return;
            }
            CarryOut(outputs[i]);
        }
    }

    private void CarryOut(ChangeLogOutput output)
    {
        switch (output)
        {
            case Append append: Append(append); break;
            case Look look: Look(look); break;
            case Answer answer: Answer(answer); break;
            case DecideApart apart:
                node.Process.After(_world.Random.Next(300), () => Handle(new DecidedApart(apart.Id, _world.Decision.Decide(apart.State, apart.Request, apart.At).Reply)));
                break;
            case TellReaders tell:
                foreach (var owner in _world.Owners) _world.Network.Send(node.Name, owner.Name, n => n.Followed.Handle(new ToldOfEnd(tell.End, tell.Rows)));
                break;
            case RaiseAlarm alarm: _world.Alarm(Who, alarm.Text); break;
            case EndTerm end:
                node.Poison = end.Poison;
                End(end.Why);
                break;
            default: throw new InvalidOperationException(output.ToString());
        }
    }

    private void Append(Append append)
    {
        var isPretended = _world.Bug == LogBug.ApplyWithoutAppend && _world.Random.Next(20) == 0 && _state!.Phase == TermPhase.Serving;
        var hasSettings = _state!.UnderWay is { } under && under.After.Shared?.Tag != _state.Mesh.Shared?.Tag;
        if (hasSettings && _world.Bug == LogBug.SettingsBeforeAppend) node.Followed.Foresee(_state.UnderWay!.After.DirectoryFacts);
        if (isPretended || _world.Bug == LogBug.ReplyBeforeAppend || (hasSettings && _world.Bug == LogBug.SettingsAnsweredEarly)) _world.Agenda.After(0, () => node.Process.Run(() => Handle(new Appended(append.Id))));
        if (isPretended) return;
        if (_notesImage) _world.Vouching.Add(append.Rows[^1].Position);
        _world.Log.Append(node.Process, append.Rows, end =>
        {
            if (end != AppendEnd.Done) _world.Say($"{Who}: the append of {append.Rows[0].Number} to {append.Rows[^1].Number} ended as {end}");
            _hasCollided |= end == AppendEnd.Collision;
            Handle(end == AppendEnd.Done ? new Appended(append.Id) : new AppendFailed(append.Id, end == AppendEnd.Collision));
        });
    }

    private void Look(Look look)
    {
        if (_world.Bug == LogBug.NoLook && _state is { Phase: TermPhase.Serving } state)
        {
            _world.Agenda.After(0, () => node.Process.Run(() => Handle(new LookedAtEnd(look.Id, state.Mesh.Position with { Term = Term }, _world.Log.Primary.ClockMs))));
            return;
        }
        _world.Log.Look(node.Process, end => Handle(end is { } at ? new LookedAtEnd(look.Id, at.End, at.DatabaseMs) : new LookFailed(look.Id, "no answer")));
    }

    private void Answer(Answer answer)
    {
        if (answer.Id == ImageNote)
        {
            if (answer.Reply is Final { Reply.Outcome: ChangeOutcome.Applied }) _world.Images++;
            _notesImage = false;
            return;
        }
        if (_callers.Remove(answer.Id, out var caller)) _world.Network.Send(node.Name, caller, n => n.Api.Answer(answer.Id, Term, answer.Reply));
    }

    private const long ImageNote = -1;

    private void SaveImage()
    {
        _imagedAt = _state!.Mesh.Position.Number;
        if (_world.Random.Next(2) == 0) return;
        _image = MeshImage.Of(_state.Mesh, _world.Fold.Buckets, LogImages.Vips(_world));
        var image = _image;
        _world.Log.Query(node.Process, database =>
        {
            database.Store(image);
            return "stored";
        }, stored =>
        {
            if (stored is null || !IsServing) return;
            _notesImage = true;
            Handle(new Noted(ImageNote, new ImageSaved(image.Position.Number, image.Position.Term, image.Digest) { At = 0 }));
        });
    }

    private void SayHello()
    {
        if (!IsServing) return;
        var hello = new Hello(new KnownTerm(Term, _state!.Mesh.Epoch), node.Name, node.Generation);
        foreach (var owner in _world.Owners) _world.Network.Send(node.Name, owner.Name, n => n.Api.Hear(hello));
        node.Process.After(HelloEveryMs, SayHello);
    }

    private void End(string why)
    {
        if (_isKilled) return;
        _isKilled = true;
        if (_state is not null) node.LastKnown = _state.Mesh;
        _world.Say($"{Who} ends: {why}");
        node.TermEnded(this, _hasCollided);
    }
}
