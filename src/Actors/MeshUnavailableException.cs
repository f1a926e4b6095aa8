namespace MeshDns.Actors;

/// <summary>An owner or the store cannot be reached; nothing happened.</summary>
public class MeshUnavailableException : Exception
{
    /// <summary>Says what cannot be reached.</summary>
    public MeshUnavailableException(string message) : base(message) { }

    /// <summary>Says what cannot be reached, and why.</summary>
    public MeshUnavailableException(string message, Exception inner) : base(message, inner) { }

    /// <summary>For serializers.</summary>
    public MeshUnavailableException() { }
}

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
