using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>A client's query.</summary>
internal sealed record Ask(string Name, DnsType Type = DnsType.A, ushort Id = 0x1234)
{
    public bool Edns { get; init; } = true;

    public bool DnssecOk { get; init; }

    public DnsFlags Flags { get; init; } = DnsFlags.RecursionDesired;

    public byte[] Options { get; init; } = [];

    public byte[] ToPacket()
    {
        var buffer = new byte[1024];
        var writer = new MessageWriter(buffer);
        DnsHeader.SetId(buffer, Id);
        DnsHeader.SetFlags(buffer, Flags);
        writer.TryWriteQuestion(FakeRecord.Name(Name), Type);
        if (Edns)
            writer.TryWriteOpt(new OptRecord { DnssecOk = DnssecOk, OtherOptions = Options });
        return buffer[..writer.Length];
    }
}

/// <summary>A reply read back as text, so that a test compares what a client would see.</summary>
internal sealed record Reply(ushort Id, DnsFlags Flags, Rcode Rcode, string Question, IReadOnlyList<string> Answer, IReadOnlyList<string> Authority)
{
    public required int Size { get; init; }

    public bool HasOpt { get; init; }

    public EdeCode? Error { get; init; }

    public IReadOnlyList<uint> Ttls { get; init; } = [];

    public static Reply Read(ReadOnlySpan<byte> message)
    {
        var name = new byte[DnsLimits.MaxNameSize];
        var answer = new List<string>();
        var authority = new List<string>();
        var ttls = new List<uint>();
        bool hasOpt = false;
        EdeCode? error = null;
        var reader = new MessageReader(message);
        Assert.True(reader.TryReadQuestion(out QuestionView question));
        Assert.True(DnsName.TryRead(message, question.NameOffset, name, out int length, out _));
        string questionText = DnsName.ToText(name.AsSpan(0, length));
        while (reader.TryReadRecord(out RecordView record))
        {
            if (OptView.TryRead(message, record, out OptView opt))
            {
                hasOpt = true;
                var options = new EdnsOptionReader(opt.Options);
                while (options.TryRead(out EdnsOptionCode code, out ReadOnlySpan<byte> data))
                    error = code == EdnsOptionCode.ExtendedDnsError ? (EdeCode)(data[0] << 8 | data[1]) : error;
                continue;
            }
            Assert.True(DnsName.TryRead(message, record.NameOffset, name, out length, out _));
            string text = $"{DnsName.ToText(name.AsSpan(0, length))} {record.Type} {Data(message, record)}";
            (record.Section == DnsSection.Answer ? answer : authority).Add(text);
            ttls.Add(record.Ttl);
        }
        Assert.False(reader.IsMalformed);
        Assert.Equal(message.Length, reader.Offset);
        return new Reply(DnsHeader.GetId(message), DnsHeader.GetFlags(message), DnsHeader.GetRcode(message), questionText, answer, authority)
        {
            Size = message.Length,
            HasOpt = hasOpt,
            Error = error,
            Ttls = [.. ttls],
        };
    }

    private static string Data(ReadOnlySpan<byte> message, in RecordView record)
    {
        switch (record.Type)
        {
            case DnsType.A or DnsType.AAAA:
                return new IPAddress(record.Rdata(message)).ToString();
            case DnsType.CNAME or DnsType.DNAME or DnsType.NS:
                var name = new byte[DnsLimits.MaxNameSize];
                Assert.True(DnsName.TryRead(message, record.RdataOffset, name, out int length, out _));
                return DnsName.ToText(name.AsSpan(0, length));
            default:
                return string.Empty;
        }
    }
}

/// <summary>A forwarder under test and the things around it.</summary>
internal sealed class Bench : IDisposable
{
    public Bench(params FakeUpstream[] servers)
        : this(new UpstreamSettings([.. servers.Select(each => each.Address)], [], TimeSpan.FromSeconds(4), 1 << 20))
    {
    }

    public Bench(UpstreamSettings settings, AnswerWriter? local = null, IReadOnlyList<IPEndPoint>? listen = null, string resolvConf = "/nonexistent/resolv.conf", Func<UpstreamWire>? wire = null)
    {
        var options = new UpstreamOptions(settings, listen ?? [], VipRange.Default, resolvConf) { OpenWire = wire ?? SystemWire.Open };
        Forwarder = new UpstreamForwarder(options, local, Clock, NullLogger.Instance);
    }

    public ManualTimeProvider Clock { get; } = new();

    public UpstreamForwarder Forwarder { get; }

    public UpstreamStatistics Counts => Forwarder.Snapshot();

    /// <summary>As the edge does: the cache first, on its loop; else forwarded.</summary>
    public async Task<Reply> AskAsync(Ask ask, int limit = DnsLimits.MaxUdpSize, uint maxTtl = uint.MaxValue, ClientView? view = null, Party party = default)
    {
        byte[] packet = ask.ToPacket();
        var reply = new byte[DnsLimits.MaxMessageSize];
        if (TryCached(packet, reply, limit, maxTtl, out int length, view))
            return Reply.Read(reply.AsSpan(0, length));
        length = await Forwarder.ForwardAsync(packet, Finding.Forward with { MaxTtl = maxTtl }, view ?? ClientView.Default, party, reply, limit, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        return Reply.Read(reply.AsSpan(0, length));
    }

    public Task<Reply> AskAsync(string name) => AskAsync(new Ask(name));

    /// <summary>What the edge finds in the cache; null when it has to forward.</summary>
    public Reply? Cached(Ask ask)
    {
        var reply = new byte[DnsLimits.MaxMessageSize];
        return TryCached(ask.ToPacket(), reply, DnsLimits.MaxUdpSize, uint.MaxValue, out int length) ? Reply.Read(reply.AsSpan(0, length)) : null;
    }

    /// <summary>
    /// Lets time run in small steps until a task ends: for waits whose number and length do not matter to the test. Between steps, packets get a
    /// moment to cross loopback; a slow machine only makes more virtual time pass.
    /// </summary>
    public async Task<T> RunUntilAsync<T>(Task<T> task)
    {
        for (int step = 0; !task.IsCompleted && step < 10_000; step++)
        {
            await Task.WhenAny(task, Clock.WhenTimerWithin(TimeSpan.FromSeconds(5)));
            await Task.WhenAny(task, Task.Delay(1));
            Clock.Advance(TimeSpan.FromMilliseconds(task.IsCompleted ? 0 : 20));
        }
        return await task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>Waits, without any time passing, until the forwarder's own thread has done all there was to do, and has set its timer.</summary>
    public async Task TurnedAsync()
    {
        // The first may be done in a turn that had read the clock before; the second in one that reads it anew; and that one has ended when the third is done.
        for (int turn = 0; turn < 3; turn++)
        {
            var turned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Forwarder.Loop.Post(turned.SetResult);
            await turned.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    /// <summary>Waits, without any time passing, for what the forwarder's own thread is about to do.</summary>
    public static async Task SeesAsync(Func<bool> isSo)
    {
        for (int i = 0; i < 30_000 && !isSo(); i++)
            await Task.Delay(1);
        Assert.True(isSo());
    }

    public void Dispose() => Forwarder.Dispose();

    public bool TryCached(byte[] packet, byte[] reply, int limit, uint maxTtl, out int length, ClientView? view = null)
    {
        DnsQuery.TryParse(packet, out DnsQuery query);
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        name = name[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        return Forwarder.TryAnswerCached(packet, query, name, Finding.Forward with { MaxTtl = maxTtl }, view ?? ClientView.Default, reply, limit, out length);
    }
}
