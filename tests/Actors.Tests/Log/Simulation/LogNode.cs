using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>One start of a node, from the moment at which its process begins until it ends or dies. An owner reaches the journal, takes changes, may run the allocator, and serves its rows to those that do not.</summary>
internal sealed class LogNode
{
    private readonly JournalSource? _journal;
    private bool _isSingleton;

    public LogNode(LogWorld world, LogProcess process, int generation, SavedDirectory? saved)
    {
        (World, Process, Generation) = (world, process, generation);
        IsOwner = process.Name.StartsWith('n');
        if (IsOwner) _journal = new JournalSource(world, this);
        Api = new LogApi(this);
        Shards = new ShardRoom(this);
        Followed = new FollowedDirectory(world, this, _journal is { } journal ? journal : new FeedSource(world, this), saved);
    }

    public LogWorld World { get; }

    public LogProcess Process { get; }

    /// <summary>Tells two processes of the same name apart.</summary>
    public int Generation { get; }

    public string Name => Process.Name;

    public bool IsOwner { get; }

    public FollowedDirectory Followed { get; }

    public LogApi Api { get; }

    public ShardRoom Shards { get; }

    /// <summary>Incarnations of the allocator in this process that nobody has ended: one, when the membership is right.</summary>
    public List<SimulatedTerm> Terms { get; } = [];

    public PoisonMemory Poison { get; set; } = PoisonMemory.Empty;

    /// <summary>What the last incarnation here knew when it ended: a past, if the log no longer has it.</summary>
    public MeshState? LastKnown { get; set; }

    public long UpSince { get; private set; }

    public long? DownSince { get; set; }

    public bool IsUp => DownSince is null && !Process.IsCrashed;

    public void Begin()
    {
        UpSince = World.NowMs + 2;
        _journal?.Begin();
        Followed.Begin();
        if (!IsOwner) return;
        Api.Begin();
        Shards.Begin();
        Process.Every(1000, ReportLoss);
    }

    /// <summary>The cluster says that the allocator runs here.</summary>
    public void BeginSingleton()
    {
        _isSingleton = true;
        if (Terms.Count == 0) BeginTerm();
    }

    /// <summary>Another incarnation beside what runs: no process should, and nothing but the log stops it.</summary>
    public void BeginTerm()
    {
        var term = new SimulatedTerm(this);
        Terms.Add(term);
        term.Begin();
    }

    /// <summary>The cluster says that it does not run here any more. What it has begun to append goes on.</summary>
    public void EndSingleton()
    {
        _isSingleton = false;
        foreach (var term in Terms) term.Kill();
        Terms.Clear();
    }

    /// <summary>Hands over in good order.</summary>
    public void HandOver(Action done)
    {
        _isSingleton = false;
        foreach (var term in Terms.ToArray()) term.Stop();
        var isOver = false;
        Process.Every(100, () =>
        {
            if (isOver || Terms.Count > 0) return;
            isOver = true;
            done();
        });
        Process.After(2000, () =>
        {
            if (!isOver) EndSingleton();
        });
    }

    public void TermEnded(SimulatedTerm term, bool hasLost)
    {
        var wasNewest = Terms.IndexOf(term) == Terms.Count - 1;
        Terms.Remove(term);
        // One that lost to another incarnation waits until the membership has had the time to know better.
        if (_isSingleton && wasNewest) Process.After(hasLost ? 1500 : 200 + World.Random.Next(400), () =>
        {
            if (_isSingleton) BeginTerm();
        });
    }

    /// <summary>Somebody without the journal asks what comes after a place. Who is ahead of this node is answered only when the log has lost what it has; who has everything waits a while.</summary>
    public void AnswerFeed(long id, LogPosition after, PastLost? lost, Action<FollowerInput> answer, bool isWaited = false)
    {
        if (lost is not null) Api.ReportLoss(lost);
        if (Followed.AgeMs is null) return;
        if (after.Number > Followed.Position.Number)
        {
            // Either this node is late, or the log has lost what the reader has: only the journal can tell.
            Followed.Handle(new TimeToRead(IsUrgent: true));
            FromJournal(id, after, answer);
            return;
        }
        var kept = Followed.Kept;
        var at = (int)(after.Number - Followed.KeptFrom.Number);
        if (at < 0 || (at == 0 && after != Followed.KeptFrom)) FromJournal(id, after, answer);
        else if (at > 0 && kept[at - 1].Position != after) answer(new RowsRead(id, false, [], false, Followed.AgeMs.Value, 0));
        else if (at == kept.Count && !isWaited) Process.After(World.Random.Next(900), () => AnswerFeed(id, after, null, answer, isWaited: true));
        else
        {
            var rows = kept.Skip(at).Take(40).ToArray();
            answer(new RowsRead(id, true, rows, at + rows.Length == kept.Count, Followed.AgeMs.Value, Process.Now.WallMs));
        }
    }

    private void FromJournal(long id, LogPosition after, Action<FollowerInput> answer) => World.Log.Read(Process, after, 40, isConfirmed: World.Kind.HasStandby, read =>
    {
        if (read is null || Followed.AgeMs is not { } age) return;
        var rows = read.Rows.TakeWhile(r => r.Number <= Followed.Position.Number).ToArray();
        var isMine = rows.Length == 0 ? !read.Holds || after == Followed.Position : rows[^1].Number < Followed.Position.Number || rows[^1].Position == Followed.Position;
        if (isMine) answer(new RowsRead(id, read.Holds, rows, rows is [.., var last] && last.Position == Followed.Position, age, read.DatabaseMs));
    });

    private void ReportLoss()
    {
        if (Followed.Lost is { } lost) Api.ReportLoss(lost);
    }
}
