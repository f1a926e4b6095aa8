namespace MeshDns.Actors.Runtime;

/// <summary>A stream has no owner just now, or another one than was asked; who asks again soon finds it. Nothing happened that asking again would not do.</summary>
public sealed class OwnerAwayException : MeshUnavailableException
{
    /// <summary>Says which stream.</summary>
    public OwnerAwayException(string message) : base(message) { }

    /// <summary>Says which stream, and why.</summary>
    public OwnerAwayException(string message, Exception inner) : base(message, inner) { }

    /// <summary>True when nothing was heard of what was asked, so that it may still be carried out; false when it was refused.</summary>
    public bool IsUnheard => InnerException is not null;

    /// <summary>For serializers.</summary>
    public OwnerAwayException() { }
}
