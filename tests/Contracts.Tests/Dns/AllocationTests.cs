using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>The answering path must not allocate: a collection would stop every receiving thread.</summary>
public class AllocationTests
{
    [Fact]
    public void Parsing_and_answering_a_query_allocates_nothing()
    {
        byte[] packet = Wire.Query("db.Example.com", DnsType.A, Wire.Opt(0, 0, Wire.Option(EdnsOptionCode.Cookie, new byte[8])));
        var reply = new byte[DnsLimits.MaxUdpSize];
        for (int i = 0; i < 100; i++)
            Answer(packet, reply);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Answer(packet, reply);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static int Answer(ReadOnlySpan<byte> packet, Span<byte> reply)
    {
        DnsQuery.TryParse(packet, out DnsQuery query);
        Span<byte> folded = stackalloc byte[query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, folded);
        Span<byte> cookie = stackalloc byte[ServerCookie.Size];
        query.ClientCookie.CopyTo(cookie);
        ServerCookie.Write(query.ClientCookie, [127, 0, 0, 1], (uint)DnsName.Hash(folded, 1), "0123456789abcdef"u8, cookie[8..]);
        MessageWriter writer = MessageWriter.StartReply(reply, query, DnsFlags.Authoritative);
        writer.TryWriteCname(query.QuestionName, 30, "\x03www\x07example\x03org\0"u8);
        writer.TryWriteA("\x03www\x07example\x03org\0"u8, 30, [240, 240, 0, 1]);
        writer.TryWriteOpt(new OptRecord { Cookie = cookie, ExtendedError = EdeCode.StaleAnswer });
        var copy = new MessageWriter(stackalloc byte[512]);
        var reader = new MessageReader(writer.Message);
        while (reader.TryReadRecord(out RecordView record))
            copy.TryCopyRecord(writer.Message, record, 1);
        ErrorReply.TryWrite(packet, Rcode.ServFail, reply, out _, EdeCode.NetworkError);
        return writer.Length + copy.Length;
    }
}
