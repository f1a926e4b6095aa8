namespace MeshDns.Host.Upstream.Servers;

/// <summary>How an exchange over one transport ended.</summary>
internal enum ExchangeEnd
{
    /// <summary>A reply that passed the guard.</summary>
    Reply,

    /// <summary>The wait was given up.</summary>
    TimedOut,

    /// <summary>Nobody listens there, or the way is closed.</summary>
    Unreachable,

    /// <summary>Too many exchanges are under way.</summary>
    Overloaded,
}

/// <summary>The end of an exchange, and the reply when there is one.</summary>
internal readonly record struct Exchange(ExchangeEnd End, byte[] Reply)
{
    /// <summary>An end without a reply.</summary>
    public static Exchange Without(ExchangeEnd end) => new(end, []);
}
