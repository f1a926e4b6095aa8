using MeshDns.Actors.Directory;
using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The mesh part of a node without a database (docs/adr/0026). It is no member, runs no actor system and nobody connects to it: whatever it wants, it asks an owner at its feed, and what others want of it, it
/// hears with the answers.
/// </summary>
internal sealed class EdgeMesh : IMeshNode
{
    private readonly string _incarnation;
    private readonly FeedFollowing _following;
    private readonly OwnerInquiry _inquiry;
    private int _isDraining;

    /// <summary>Makes it; <see cref="Start"/> runs it.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="directory">Its replica of all names.</param>
    /// <param name="client">The way to the owners' feeds.</param>
    /// <param name="incarnation">Drawn for this start.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">What it says.</param>
    public EdgeMesh(MeshOptions options, MeshDirectory directory, INodeClient client, string incarnation, TimeProvider time, ActorLog log)
    {
        (Options, Directory, Time, _incarnation) = (options, directory, time, incarnation);
        var link = new OwnerLink(client, options, time);
        var control = new EdgeControl(this, link);
        Control = control;
        _inquiry = new OwnerInquiry(time, control.FindAsync);
        _following = new FeedFollowing(new OwnersFeed(link, time, Report, BeginDrain), directory, new Buckets(options.Shards), time, (isAlarm, text) => log(isAlarm ? ActorLogLevel.Alarm : ActorLogLevel.Warning, "feed", text, null));
    }

    /// <summary>Its settings.</summary>
    public MeshOptions Options { get; }

    /// <summary>Its replica of all names.</summary>
    public MeshDirectory Directory { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <inheritdoc/>
    public IMeshControl Control { get; }

    /// <inheritdoc/>
    public bool IsDraining => Volatile.Read(ref _isDraining) == 1;

    /// <inheritdoc/>
    public string NotWritable => NotReady is { Length: > 0 } why ? why : _following.IsFailing ? "no owner can be reached" : "";

    /// <inheritdoc/>
    public string NotReady => IsDraining ? "this node is draining" : _following.HasRead ? "" : "no owner has handed the log on yet";

    /// <inheritdoc/>
    public void Start() => _following.Start();

    /// <inheritdoc/>
    public Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names) => _inquiry.FindAsync(names);

    /// <inheritdoc/>
    public bool Runs(string source) => false;

    /// <summary>Says that it takes itself out; queries are answered on.</summary>
    public void BeginDrain() => Volatile.Write(ref _isDraining, 1);

    /// <inheritdoc/>
    public async Task StopAsync()
    {
        BeginDrain();
        await _following.StopAsync();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _following.DisposeAsync();

    // Before the first load an age means nothing.
    private EdgeReport Report() => new(
        Options.Node, _incarnation, Options.Address, Options.Roles, IsDraining ? "draining" : "up", Options.Version, Directory.Names, Directory.IsLoaded ? (long)Directory.Age.TotalMilliseconds : 0);
}
