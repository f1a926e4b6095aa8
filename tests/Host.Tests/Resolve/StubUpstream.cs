using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>An upstream that answers every A query with one address, or whatever a test says.</summary>
public sealed class StubUpstream : IUpstream
{
    private readonly Lock _turn = new();

    public List<(string Name, DnsType Type, Finding Finding)> Asked { get; } = [];

    /// <summary>Names that the cache holds.</summary>
    public HashSet<string> Cached { get; } = [];

    public Rcode Rcode { get; set; } = Rcode.NoError;

    public DnsFlags Flags { get; set; }

    /// <summary>What the last client sees.</summary>
    public ClientView View { get; private set; }

    /// <summary>Awaited before answering.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    public Exception? CacheFault { get; set; }

    public int Addresses { get; set; } = 1;

    public bool TryAnswerCached(ReadOnlySpan<byte> packet, in DnsQuery query, ReadOnlySpan<byte> foldedName, in Finding finding, in ClientView view, Span<byte> reply, int limit, out int length)
    {
        length = 0;
        if (CacheFault is not null) throw CacheFault;
        if (Cached.Count == 0 || !Cached.Contains(DnsName.ToText(foldedName))) return false;
        View = view;
        length = Write(query, reply, limit, Math.Min(finding.MaxTtl, 300));
        return true;
    }

    public void Post(ReadOnlySpan<ForwardedQuery> queries)
    {
        foreach (var query in queries) _ = AnswerAsync(query);
    }

    private async Task AnswerAsync(ForwardedQuery query)
    {
        DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out var parsed);
        var name = DnsName.ToText(parsed.QuestionName);
        View = query.View;
        lock (Asked) Asked.Add((name, parsed.Type, query.Finding));
        await Before(name);
        var reply = new byte[DnsLimits.MaxMessageSize];
        DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out parsed);
        var length = Write(parsed, reply, query.Limit, Math.Min(query.Finding.MaxTtl, 300));
        // All replies come in turn.
        lock (_turn)
        {
            var batch = query.Batch;
            query.OnReply(reply, length);
            batch?.Flush();
        }
    }

    private int Write(in DnsQuery query, Span<byte> reply, int limit, uint ttl)
    {
        var writer = MessageWriter.StartReply(reply, query, Flags, Rcode);
        writer.Limit = limit - 11;
        var name = query.QuestionName;
        for (var i = 0; i < Addresses && Rcode == Rcode.NoError && query.Type == DnsType.A; i++)
        {
            if (writer.TryWriteA(name, ttl, [192, 0, (byte)(2 + (i >> 8)), (byte)i])) continue;
            DnsHeader.SetFlags(writer.Message, DnsHeader.GetFlags(writer.Message) | DnsFlags.Truncated);
            break;
        }
        writer.Limit = limit;
        if (query.HasEdns) writer.TryWriteOpt(new OptRecord { Rcode = Rcode });
        return writer.Length;
    }
}
