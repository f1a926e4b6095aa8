using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Bench.Edge;

/// <summary>Answers nothing: what is measured here is all local.</summary>
internal sealed class NoUpstream : IUpstream
{
    public bool TryAnswerCached(
        ReadOnlySpan<byte> packet, in DnsQuery query, ReadOnlySpan<byte> foldedName, in Finding finding, in ClientView view, Span<byte> reply, int limit, out int length)
    {
        length = 0;
        return false;
    }

    public void Post(ReadOnlySpan<ForwardedQuery> queries)
    {
        foreach (var query in queries) query.OnDrop();
    }
}
