using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream;

/// <summary>What came of a query that somebody awaits: a landing, or an error.</summary>
internal readonly record struct Outcome(Landing? Landing, Rcode Error, EdeCode? ErrorReason);

/// <summary>
/// A query of somebody who awaits it: a TCP connection, a CNAME chain that leaves the mesh. They write the reply themselves, since they may
/// have given up, and their buffer with it, when it comes.
/// </summary>
internal sealed class AwaitedQuery : ForwardedQuery
{
    private readonly TaskCompletionSource<Outcome> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the outcome; never faults.</summary>
    public Task<Outcome> Task => _end.Task;

    /// <summary>Ends the wait.</summary>
    public void End(in Outcome outcome) => _end.TrySetResult(outcome);
}
