namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>What the cluster thinks of where the allocator runs. It is slow, it may be wrong, and nothing that is promised hangs on it.</summary>
internal sealed class LogMembership(LogWorld world)
{
    private LogNode? _holder;
    private long _missingSince = -1;
    private long _patienceMs;
    private bool _isHandingOver;

    public LogNode? Holder => _holder;

    public void Begin() => Tick();

    /// <summary>For a while another node is sure that it is its turn.</summary>
    public void Err(LogNode other, long forMs, Action done)
    {
        world.Say($"{other.Name} takes the allocator as well");
        other.BeginSingleton();
        world.Agenda.After(forMs, () =>
        {
            if (other != _holder) Leave(other);
            done();
        });
    }

    /// <summary>The allocator moves in good order.</summary>
    public void HandOver(Action? done = null)
    {
        if (_holder is not { } from || !from.Process.IsRunning || _isHandingOver) return;
        _isHandingOver = true;
        world.Say($"{from.Name} hands the allocator over");
        from.HandOver(() =>
        {
            _isHandingOver = false;
            if (_holder == from) Choose(from);
            done?.Invoke();
        });
        world.Agenda.After(5000, () => _isHandingOver = false);
    }

    private void Tick()
    {
        world.Agenda.After(200, Tick);
        if (_isHandingOver) return;
        if (_holder is { } holder && holder.Process.IsRunning && holder.IsUp && world.Nodes.GetValueOrDefault(holder.Name) == holder)
        {
            _missingSince = -1;
            return;
        }
        if (_missingSince < 0) (_missingSince, _patienceMs) = (world.NowMs, _holder is null ? 0 : world.Kind.Often is "sleeping allocator" ? 1_000_000 : 2500 + world.Random.Next(2000));
        if (world.NowMs - _missingSince < _patienceMs && !(_holder!.Process.IsCrashed && world.Kind.Owners == 1)) return;
        Choose(_holder);
    }

    private void Choose(LogNode? old)
    {
        var candidates = world.Owners.Where(n => n.Process.IsRunning && n.IsUp && n != old).ToArray();
        if (candidates.Length == 0 && old is { Process.IsRunning: true, IsUp: true }) candidates = [old];
        if (candidates.Length == 0) return;
        _holder = candidates[world.Random.Next(candidates.Length)];
        _missingSince = -1;
        world.Say($"the allocator is to run on {_holder.Name}");
        _holder.BeginSingleton();
        if (old is not null && old != _holder) Leave(old);
    }

    // Whoever was thought dead learns it some time after it has come back.
    private void Leave(LogNode node) => node.Process.Run(() => node.Process.After(world.Random.Next(3000), () =>
    {
        if (node != _holder) node.EndSingleton();
    }));
}
