using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using MeshDns.Actors.Store;
using ActorSystem = Akka.Actor.ActorSystem;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Keeps a node in its cluster: makes an actor system, joins, and when the cluster has downed it, or it is in the wrong one, waits for its end and makes the next; never two at a time. Sockets, directory and follower are outside and go on meanwhile.
/// </summary>
internal sealed class MeshEngine(MeshParts parts, IJoining joining, Func<(Config Config, Setup[] Setups)> settings) : IAsyncDisposable
{
    private static readonly TimeSpan _again = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _mostAgain = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _joinPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _leavePatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _stopPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _alarmEvery = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MeshLife? _life;
    private Task? _loop;
    private int _isDraining;
    private long _lives;
    private string? _trouble;

    /// <summary>The actor system that is a member now; null while there is none.</summary>
    public MeshLife? Life => Volatile.Read(ref _life);

    /// <summary>True from the order to drain on.</summary>
    public bool IsDraining => Volatile.Read(ref _isDraining) == 1;

    /// <summary>Actor systems that this node has had.</summary>
    public long Lives => Interlocked.Read(ref _lives);

    /// <summary>Why this node could not be a member when it last tried; null once it is one.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Begins.</summary>
    public void Start() => _loop ??= Task.Run(RunAsync, CancellationToken.None);

    /// <summary>Leaves the cluster in good order and stays out of it.</summary>
    public async Task DrainAsync()
    {
        Volatile.Write(ref _isDraining, 1);
        await _stop.CancelAsync();
        if (_loop is not null) await _left.Task;
    }

    /// <summary>The same, and nothing is said of this node any more. An actor system that hangs is left to the end of the process.</summary>
    public async Task StopAsync()
    {
        var stopped = StopInOrderAsync();
        if (await Task.WhenAny(stopped, Task.Delay(_stopPatience, parts.Time)) == stopped) await stopped;
        else Say(ActorLogLevel.Alarm, "the actor system does not end; the node stops without it", null);
    }

    private async Task StopInOrderAsync()
    {
        await DrainAsync();
        await _end.CancelAsync();
        if (_loop is { } loop) await loop;
    }

    /// <summary>For tests: ends the actor system at once, as a fault does that nobody is told of.</summary>
    internal void EndLife() => Life?.System.Terminate();

    /// <summary>For tests: has the cluster down this node.</summary>
    internal void DownLife()
    {
        if (Life?.System is not { } system) return;
        var cluster = Akka.Cluster.Cluster.Get(system);
        cluster.Down(cluster.SelfAddress);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_loop is { IsCompleted: false }) return;
        _stop.Dispose();
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        var again = _again;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await LiveAsync();
                again = _again;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
            catch (Exception e)
            {
                var why = e is OperationCanceledException ? "no owner of it could be joined in time; is cluster.secret the same on all, and can they reach each other at cluster.advertise?" : e.Message;
                Volatile.Write(ref _trouble, "this node cannot be in its cluster now: " + why);
                Say(ActorLogLevel.Warning, "this node cannot be in its cluster now; it tries again: " + why, e is StoreUnavailableException or OperationCanceledException ? null : e);
                again = again * 2 < _mostAgain ? again * 2 : _mostAgain;
            }
            if (!_stop.IsCancellationRequested) await Task.WhenAny(Task.Delay(again, parts.Time, _stop.Token));
        }
        _left.TrySetResult();
        try { await joining.StayAsync(parts.Duties.Report, _end.Token); }
        catch (OperationCanceledException) when (_end.IsCancellationRequested) { }
        catch (Exception e) { Say(ActorLogLevel.Warning, "what this node, which was drained, says of itself is not told any more: " + e.Message, e); }
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(2), parts.Time);
        try { await joining.LeaveAsync(deadline.Token); }
        catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException) { }
    }

    private async Task LiveAsync()
    {
        var (config, setups) = settings();
        var system = ActorSystem.Create($"mesh-{parts.Store.ClusterId}", setups.Aggregate(ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config)), (all, setup) => all.And(setup)));
        Interlocked.Increment(ref _lives);
        var handshakes = new HandshakeFailures(system);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        try
        {
            var sign = new DoorSign();
            var door = MeshActors.Start(system, parts, sign);
            await JoinAsync(system);
            Volatile.Write(ref _life, new MeshLife(system, door, sign, parts.Time));
            Volatile.Write(ref _trouble, null);
            Say(ActorLogLevel.Information, "this node is a member of its cluster", null);
            await Task.WhenAny(system.WhenTerminated, joining.KeepAsync(system, end.Token));
        }
        finally
        {
            Volatile.Write(ref _life, null);
            await end.CancelAsync();
            handshakes.End();
            await EndAsync(system);
        }
    }

    private async Task JoinAsync(ActorSystem system)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        attempt.CancelAfter(_joinPatience);
        var joined = joining.JoinAsync(system, attempt.Token);
        // One that has ended joins nobody, however long it tries.
        if (await Task.WhenAny(joined, system.WhenTerminated) == joined)
        {
            await joined;
            return;
        }
        await attempt.CancelAsync();
        await joined.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Token.ThrowIfCancellationRequested();
        throw new StoreUnavailableException("its actor system ended before it was a member");
    }

    // One that hangs is waited for: a second beside it would be two of this node.
    private async Task EndAsync(ActorSystem system)
    {
        if (!system.WhenTerminated.IsCompleted)
        {
            var leave = CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
            await Task.WhenAny(leave, system.WhenTerminated, Task.Delay(_leavePatience, parts.Time));
        }
        _ = system.Terminate();
        while (await Task.WhenAny(system.WhenTerminated, Task.Delay(_alarmEvery, parts.Time)) != system.WhenTerminated)
            Say(ActorLogLevel.Alarm, "the actor system does not end; this node is not a member until it does", null);
        if (!_stop.IsCancellationRequested) Say(ActorLogLevel.Warning, "the actor system has ended; this node joins again", null);
    }

    private void Say(ActorLogLevel level, string text, Exception? error) => parts.Log(level, "cluster", text, error);
}
