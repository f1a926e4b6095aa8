using System.Globalization;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream;

/// <summary>Says, without asking anybody, what the cache has of a question and who would be asked, and why.</summary>
internal static class UpstreamExplainer
{
    /// <summary>Two or more sentences.</summary>
    /// <param name="cache">The answers kept.</param>
    /// <param name="servers">The routes and their servers.</param>
    /// <param name="nowMs">Now, on the upstream's clock.</param>
    /// <param name="foldedName">Lower case, wire form.</param>
    /// <param name="type">What is asked, with neither DO nor CD.</param>
    public static IReadOnlyList<string> Explain(AnswerCache cache, ServerDirectory servers, long nowMs, ReadOnlySpan<byte> foldedName, DnsType type)
    {
        int route = servers.Routes.Find(foldedName, out ReadOnlySpan<byte> suffix);
        var sentences = new List<string> { OfCache(cache, nowMs, foldedName, type, route) };
        string by = suffix.IsEmpty
            ? servers.IsByResolvConf ? "the servers of resolv.conf" : "upstream.servers"
            : $"the route for {DnsName.ToText(suffix)}";
        sentences.Add($"by {by}, {OfServers(servers.Find(route))}");
        return sentences;
    }

    private static string OfServers(ServerSet? set)
    {
        if (set is null || set.Links.Count == 0)
            return "nobody can be asked";
        List<ServerLink> atWork = [.. set.Links.Where(link => !link.Health.IsResting)];
        string resting = string.Join(", ", set.Links.Except(atWork).Select(link => link.Address));
        if (atWork.Count == 0)
            return $"{set.Links[0].Address} is asked first, though none of {resting} has answered of late";
        ServerLink best = set.Rotates ? atWork[0] : atWork.MinBy(link => link.Health.Score)!;
        string why = set.Links.Count == 1 ? "the only server"
            : set.Rotates ? $"in turn with {atWork.Count - 1} others"
            : string.Create(CultureInfo.InvariantCulture, $"the best of {atWork.Count} by latency and failures, score {best.Health.Score:F1}");
        return $"{best.Address} is asked first: {why}{(resting.Length == 0 ? "" : $"; {resting} did not answer of late")}";
    }

    private static string OfCache(AnswerCache cache, long nowMs, ReadOnlySpan<byte> foldedName, DnsType type, int route)
    {
        Span<byte> packet = stackalloc byte[DnsLimits.MinUdpSize];
        var writer = new MessageWriter(packet);
        writer.TryWriteQuestion(foldedName, type);
        DnsQuery.TryParse(writer.Message, out DnsQuery query);
        Span<byte> key = stackalloc byte[ForwardKey.MaxSize];
        if (cache.Find(key[..ForwardKey.Write(key, query, foldedName, route)], out _) is not { } known)
            return "the cache has no answer";
        string what = known.Kind switch
        {
            AnswerKind.Failure => "that no server could answer",
            AnswerKind.Negative => $"a denial ({known.Rcode.ToString().ToUpperInvariant()})",
            _ => "an answer",
        };
        if (known.IsFresh(nowMs))
            return $"the cache has {what}, for {known.LifetimeSeconds - Math.Min(known.LifetimeSeconds, known.AgeSeconds(nowMs))} s more";
        return known.IsServableStale(nowMs) ? $"the cache has {what} past its lifetime, which is served where no server answers (RFC 8767)" : "the cache has no answer that may still be served";
    }
}
