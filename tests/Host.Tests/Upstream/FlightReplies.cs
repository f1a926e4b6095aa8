using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>What a server may send to a flight under test.</summary>
internal static class FlightReplies
{
    /// <summary>From here on it is not the reply.</summary>
    public const int FirstLie = 10;

    public const int Count = FirstLie + 3;

    private static readonly IPEndPoint _nobody = new(IPAddress.Loopback, 1);

    /// <summary>The question of all flights here.</summary>
    public static UpstreamQuestion Question { get; } = new(FakeRecord.Name("x.example."), DnsType.A, DnsClass.IN, DnssecOk: false, CheckingDisabled: false);

    /// <summary>A datagram for a query with an id.</summary>
    public static byte[] Datagram(int how, ushort id, bool edns)
    {
        FakeQuery query = Query(id, edns);
        byte[] good = Good(query);
        switch (how)
        {
            case 0: return good;
            case 1: return query.Message(Rcode.NXDomain);
            case 2: return query.Message(Rcode.ServFail);
            case 3: return query.Message(Rcode.Refused);
            case 4 or 5: return query.Message(Rcode.FormErr);
            case 6: return query.Message(flags: DnsFlags.Truncated);
            case 7: return good[..^12];
            case 8: return query.Message(records: FakeRecord.Ns("example.", 60, "ns.example."));
            case 9: return query.Message(records: [.. Enumerable.Range(0, 13).Select(i => FakeRecord.Cname(i == 0 ? query.Name : $"c{i}.example.", 60, $"c{i + 1}.example."))]);
            case FirstLie: return Good(Query((ushort)(id + 1), edns));
            case FirstLie + 1: good[13] ^= 1; return good;
            default: return query.Packet;
        }
    }

    /// <summary>How TCP may end.</summary>
    public static Exchange OfTcp(int how) => how switch
    {
        < 10 => new Exchange(ExchangeEnd.Reply, Datagram(how, 7, edns: true)),
        10 => Exchange.Without(ExchangeEnd.TimedOut),
        11 => Exchange.Without(ExchangeEnd.Unreachable),
        _ => Exchange.Without(ExchangeEnd.Overloaded),
    };

    private static byte[] Good(FakeQuery query) => query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1"));

    private static FakeQuery Query(ushort id, bool edns)
    {
        byte[] packet = Question.ToQuery(edns, []);
        DnsHeader.SetId(packet, id);
        return new FakeQuery(1, packet, IsTcp: false, _nobody);
    }
}
