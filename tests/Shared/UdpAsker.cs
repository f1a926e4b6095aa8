using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;

namespace MeshDns.Tests.Shared;

/// <summary>What a server said: its rcode and the addresses of its answer.</summary>
public sealed record UdpAnswer(Rcode Rcode, IReadOnlyList<IPAddress> Addresses)
{
    public override string ToString() => $"{Rcode} {string.Join(", ", Addresses)}";
}

/// <summary>Asks one server for IPv4 addresses over UDP, one query at a time, from one socket: cheap enough to be asked without pause.</summary>
public sealed class UdpAsker : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly byte[] _query = new byte[512];
    private readonly byte[] _reply = new byte[1500];
    private ushort _id;

    /// <param name="server">Who is asked.</param>
    /// <param name="from">Which of our addresses asks; null for any.</param>
    public UdpAsker(IPEndPoint server, IPAddress? from = null)
    {
        if (from is not null) _socket.Bind(new IPEndPoint(from, 0));
        _socket.Connect(server);
    }

    /// <summary>The answer; null when none came in time or nobody listens there.</summary>
    public async Task<UdpAnswer?> AskAsync(string name, TimeSpan deadline)
    {
        var length = WriteQuery(name, ++_id);
        using var timer = new CancellationTokenSource(deadline);
        try
        {
            await _socket.SendAsync(_query.AsMemory(0, length), timer.Token);
            while (true)
            {
                var received = await _socket.ReceiveAsync(_reply, timer.Token);
                if (received >= DnsLimits.HeaderSize && DnsHeader.GetId(_reply) == _id) return Read(_reply.AsSpan(0, received));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException) { return null; }
    }

    public void Dispose() => _socket.Dispose();

    private int WriteQuery(string name, ushort id)
    {
        Span<byte> wire = stackalloc byte[DnsLimits.MaxNameSize];
        if (!DnsName.TryParse(name, wire, out var length)) throw new ArgumentException($"{name} is no name", nameof(name));
        _query.AsSpan(0, DnsLimits.HeaderSize).Clear();
        var writer = new MessageWriter(_query);
        DnsHeader.SetId(_query, id);
        DnsHeader.SetFlags(_query, DnsFlags.RecursionDesired);
        writer.TryWriteQuestion(wire[..length], DnsType.A);
        return writer.Length;
    }

    private static UdpAnswer Read(ReadOnlySpan<byte> message)
    {
        var addresses = new List<IPAddress>();
        var reader = new MessageReader(message);
        while (reader.TryReadRecord(out var record))
            if (record is { Section: DnsSection.Answer, Type: DnsType.A, RdataLength: 4 }) addresses.Add(new IPAddress(record.Rdata(message)));
        return new UdpAnswer(DnsHeader.GetRcode(message), addresses);
    }
}
