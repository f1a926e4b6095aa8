namespace MeshDns.Actors;

/// <summary>How much a log line matters.</summary>
public enum ActorLogLevel
{
    /// <summary>What an operator follows.</summary>
    Information,

    /// <summary>Something was refused or retried.</summary>
    Warning,

    /// <summary>A promise is at risk; someone should look.</summary>
    Alarm,
}

/// <summary>Takes a log line. Must not block and must not throw.</summary>
public delegate void ActorLog(ActorLogLevel level, string source, string message, Exception? error);
