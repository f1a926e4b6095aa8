using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>What an incarnation says of itself to all nodes.</summary>
internal sealed record Hello(KnownTerm Term, string Node, int Generation);

/// <summary>A node's API: each change is a <see cref="ChangeCall"/>; what it wants is carried out here, and what it is to know is brought to it.</summary>
internal sealed class LogApi(LogNode node)
{
    private const long ForgottenAfterMs = 2000;

    private readonly LogWorld _world = node.World;
    private readonly SortedDictionary<long, Call> _calls = [];
    private readonly HashSet<(long Call, string Term)> _taken = [];
    private readonly List<Call> _buffered = [];
    private Hello? _known;
    private Moment _heardAt;

    public KnownTerm? Known => _known?.Term;

    /// <summary>Copies that were sent to an incarnation after another one had been asked.</summary>
    public int Resent { get; private set; }

    public void Begin() => node.Process.Every(200, Tick);

    public void Change(ChangeRequest request, string digest, long patienceMs, Action<ChangeReply> done)
    {
        var id = ++_world.Calls;
        var isForgotten = _world.Bug == LogBug.SettingsKeyForgotten && request.Settings is not null;
        var key = (isForgotten ? null : request.IdempotencyKey) ?? $"{ReplyMemory.NodePrefix}{node.Name}-{id}";
        var (state, output) = ChangeCall.Begin(node.Process.Now, patienceMs, Known);
        var call = new Call(id, request, new SubmittedKey(key, digest, SentAt: node.Followed.Position.Number), done) { State = state };
        _calls.Add(id, call);
        CarryOut(call, output);
    }

    public void Hear(Hello hello)
    {
        if (_known is { } known && hello.Term.Epoch < known.Term.Epoch) return;
        _heardAt = node.Process.Now;
        if (_known?.Term == hello.Term) return;
        _known = hello;
        foreach (var call in _calls.Values.ToArray()) Step(call, c => c.Meet(hello.Term, node.Process.Now));
        foreach (var late in _buffered) Send(late, hello, false, 10_000);
        _buffered.Clear();
    }

    /// <summary>A change for an incarnation that is, or was, in this process.</summary>
    public void Take(Submitted submitted, string from, int generation)
    {
        // A connection carries nothing twice, and what was for a process that has died goes with it.
        if (generation != node.Generation || !_taken.Add((submitted.Id, submitted.Meant))) return;
        var term = node.Terms.Find(t => t.Term == submitted.Meant);
        if (term is not null) term.Submit(submitted, from);
        else _world.Network.Send(node.Name, from, n => n.Api.Answer(submitted.Id, submitted.Meant, new NotMe(submitted.Meant)));
    }

    public void Answer(long id, string term, ChangeLogAnswer answer)
    {
        if (_calls.TryGetValue(id, out var call)) Step(call, c => c.Take(term, answer, node.Process.Now));
    }

    /// <summary>Tells the allocator of a past that is gone, until the log says that somebody has.</summary>
    public void ReportLoss(PastLost lost)
    {
        if (_known is not { } known) return;
        _world.Network.Send(node.Name, known.Node, n =>
        {
            foreach (var term in n.Terms.ToArray()) term.Hear(lost);
        });
    }

    private void Tick()
    {
        var now = node.Process.Now;
        if (_known is not null && now.Since(_heardAt) > ForgottenAfterMs)
        {
            _known = null;
            foreach (var call in _calls.Values.ToArray()) Step(call, c => c.Meet(null, now));
        }
        foreach (var call in _calls.Values.ToArray()) Step(call, c => c.Pass(now));
    }

    private void Step(Call call, Func<ChangeCall, (ChangeCall, ChangeCallOutput?)> step)
    {
        (call.State, var output) = step(call.State);
        CarryOut(call, output);
    }

    private void CarryOut(Call call, ChangeCallOutput? output)
    {
        switch (output)
        {
            case SendTo send when _known is { } known && known.Term == send.To: Send(call, known, send.IsRetry, send.PatienceMs); break;
            case CallEnded ended:
                _calls.Remove(call.Id);
                if (_world.Bug == LogBug.LateCopy && ended.Reply.Outcome == ChangeOutcome.Unavailable) _buffered.Add(call);
                call.Done(ended.Reply);
                break;
            default: break;
        }
    }

    private void Send(Call call, Hello to, bool isRetry, long patienceMs)
    {
        if (isRetry) Resent++;
        var submitted = new Submitted(call.Id, call.Request, call.Key with { IsRetry = isRetry }, to.Term.Term) { PatienceMs = patienceMs };
        _world.Network.Send(node.Name, to.Node, n => n.Api.Take(submitted, node.Name, to.Generation));
    }

    private sealed class Call(long id, ChangeRequest request, SubmittedKey key, Action<ChangeReply> done)
    {
        public long Id => id;

        public ChangeRequest Request => request;

        public SubmittedKey Key => key;

        public Action<ChangeReply> Done => done;

        public required ChangeCall State { get; set; }
    }
}
