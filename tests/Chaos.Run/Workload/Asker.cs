using System.Net;
using System.Net.Sockets;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Workload;

/// <summary>Asks one node for addresses, one query after the other, for as long as it runs.</summary>
internal sealed class Asker(ChaosNode node, NameBook names, History history, Clock clock, Random random)
{
    /// <summary>As long as a stub resolver waits.</summary>
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(15);

    private ushort _id;

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                foreach (var name in names.Next(random)) await AskAsync(name, stop);
                await Task.Delay(_between, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
    }

    private async Task AskAsync(string name, CancellationToken stop)
    {
        using var socket = node.Place.Open(SocketType.Dgram, ProtocolType.Udp);
        var query = Query(name, ++_id);
        var askedAt = clock.Now;
        var (outcome, addresses) = (AnswerOutcome.Timeout, (string[])[]);
        try
        {
            await socket.ConnectAsync(node.Address.Dns, stop);
            await socket.SendAsync(query, stop);
            var buffer = new byte[4096];
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
            timeout.CancelAfter(_timeout);
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer, timeout.Token);
                if (length < 12 || DnsHeader.GetId(buffer) != _id) continue;
                (outcome, addresses) = Read(buffer.AsSpan(0, length));
                break;
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested) { }
        catch (SocketException) { await Task.Delay(_between, stop); }
        history.Add(new AnswerRecord(node.Name, name, askedAt, clock.Now, outcome, addresses));
    }

    private static byte[] Query(string name, ushort id)
    {
        Span<byte> wire = stackalloc byte[DnsLimits.MaxNameSize];
        if (!DnsName.TryParse(name, wire, out int length)) throw new FormatException(name);
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        DnsHeader.SetId(buffer, id);
        DnsHeader.SetFlags(buffer, DnsFlags.RecursionDesired);
        writer.TryWriteQuestion(wire[..length], DnsType.A);
        return buffer[..writer.Length];
    }

    private static (AnswerOutcome Outcome, string[] Addresses) Read(ReadOnlySpan<byte> message)
    {
        var rcode = DnsHeader.GetRcode(message);
        if (rcode == Rcode.NXDomain) return (AnswerOutcome.NxDomain, []);
        if (rcode != Rcode.NoError) return (AnswerOutcome.ServFail, []);
        var addresses = new List<string>();
        var reader = new MessageReader(message);
        reader.TryReadQuestion(out _);
        while (reader.TryReadRecord(out var record))
            if (record.Section == DnsSection.Answer && record.Type == DnsType.A) addresses.Add(new IPAddress(record.Rdata(message)).ToString());
        return (addresses.Count > 0 ? AnswerOutcome.Addresses : AnswerOutcome.NoData, [.. addresses]);
    }
}
