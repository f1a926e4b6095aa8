namespace MeshDns.Host.Settings;

/// <summary>The section <c>directory</c>.</summary>
/// <param name="MaxAge">
/// The oldest knowledge from which automatic VIPs are answered; at most quarantine - 2 x TTL, and exactly that when the key is <c>auto</c>.
/// </param>
/// <param name="Expired">What automatic VIPs get when the knowledge is older.</param>
public sealed record DirectorySettings(TimeSpan MaxAge, ExpiredAnswer Expired)
{
    /// <summary>True when the key is <c>auto</c>: the age then follows the cluster's quarantine and TTL (docs/adr/0028).</summary>
    public bool IsDerived { get; init; }
}

/// <summary>The answer to automatic VIPs from knowledge older than <c>directory.max-age</c> (<c>directory.expired</c>).</summary>
public enum ExpiredAnswer
{
    /// <summary>SERVFAIL with EDE 3 (stale, RFC 8914): nobody is ever sent to a VIP's next holder.</summary>
    Refuse,

    /// <summary>Answered all the same: availability before promise 4.</summary>
    Serve,
}
