namespace MeshDns.Host.Query;

/// <summary>What carries a query. All but UDP are streams, whose replies may have 65,535 bytes.</summary>
public enum Transport
{
    /// <summary>Datagrams, sized by the client (RFC 6891 section 6.2.3).</summary>
    Udp,

    /// <summary>RFC 7766.</summary>
    Tcp,

    /// <summary>RFC 7858.</summary>
    Tls,

    /// <summary>RFC 8484.</summary>
    Https,
}
