using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Event;
using MeshDns.Actors.Store;

namespace MeshDns.Actors.Cluster;

/// <summary>What the parts of Akka that Akka makes itself need of a node: its log, its sessions.</summary>
internal sealed class NodeSetup(ActorLog log, PostgresSessions? sessions) : Setup
{
    /// <summary>The node's log.</summary>
    public ActorLog Log => log;

    /// <summary>The database; null where there is none.</summary>
    public PostgresSessions? Sessions => sessions;
}

/// <summary>Brings what Akka logs to the node's log.</summary>
internal sealed class AkkaLog : ReceiveActor
{
    public AkkaLog()
    {
        var log = Context.System.Settings.Setup.Get<NodeSetup>().Value.Log;
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<Error>(e => log(ActorLogLevel.Warning, "akka", $"{e.LogSource}: {e.Message}", e.Cause));
        Receive<Warning>(w => IsOfABusyMachine(w.Message?.ToString()), _ => { });
        Receive<Warning>(w => log(ActorLogLevel.Warning, "akka", $"{w.LogSource}: {w.Message}", null));
        Receive<LogEvent>(e => log(ActorLogLevel.Information, "akka", $"{e.LogSource}: {e.Message}", null));
    }

    // Said of every start of a busy machine; what comes of it is said as a member that does not answer.
    private static bool IsOfABusyMachine(string? text) =>
        text is not null && (text.Contains("heartbeat interval is growing too large", StringComparison.Ordinal) || text.Contains("Scheduled sending of heartbeat was delayed", StringComparison.Ordinal));
}
