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
