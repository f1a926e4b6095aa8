namespace MeshDns.Host.Admin;

/// <summary>The bounds of each request to the admin API. How much it does at a time: <see cref="AdminBounds"/>.</summary>
internal static class AdminLimits
{
    /// <summary>Largest body of a set of manifests.</summary>
    public const int ManifestsBytes = 64 * 1024 * 1024;

    /// <summary>Largest body of one document.</summary>
    public const int DocumentBytes = 1024 * 1024;

    /// <summary>What a connection's client may send ahead of what is read of it.</summary>
    public const int ReadAheadBytes = 64 * 1024;

    /// <summary>Most items of a page.</summary>
    public const int PageItems = 10_000;

    /// <summary>Most items that are read from the mesh at once.</summary>
    public const int PartItems = 1000;

    /// <summary>A page ends with the item that brings it to this many bytes, so that the size of documents cannot make a reply of gigabytes.</summary>
    public const int PageBytes = 8 * 1024 * 1024;

    /// <summary>The reply to a change of more documents is written in chunks.</summary>
    public const int WholeReply = 1000;

    /// <summary>Most errors in a problem document.</summary>
    public const int ProblemErrors = 1000;

    /// <summary>Items of a page when the caller does not say.</summary>
    public const int DefaultPageItems = 100;

    /// <summary>Until the body of a request has arrived.</summary>
    public static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Until a request that waits in line begins.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Until a change has ended; after it the outcome is unknown.</summary>
    public static readonly TimeSpan ChangeTimeout = TimeSpan.FromSeconds(20);

    /// <summary>Until a read has ended.</summary>
    public static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Until a reply that is sent in pieces, a list or an export, has ended.</summary>
    public static readonly TimeSpan StreamTimeout = TimeSpan.FromMinutes(5);

    /// <summary>How long <c>?wait=edges</c> waits.</summary>
    public static readonly TimeSpan EdgesTimeout = TimeSpan.FromSeconds(2);

    /// <summary>How long a stopping server waits for requests under way.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(25);
}
