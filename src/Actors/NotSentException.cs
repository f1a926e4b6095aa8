namespace MeshDns.Actors;

/// <summary>What was to be asked of another node did not get there, or was turned away unread: nothing happened, and nothing will.</summary>
public sealed class NotSentException : MeshUnavailableException
{
    /// <summary>Says of whom.</summary>
    public NotSentException(string message) : base(message) { }

    /// <summary>Says of whom, and why.</summary>
    public NotSentException(string message, Exception inner) : base(message, inner) { }

    /// <summary>For serializers.</summary>
    public NotSentException() { }
}
