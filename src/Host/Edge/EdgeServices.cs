using MeshDns.Host.Query;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>What every loop and connection of the edge uses.</summary>
internal sealed class EdgeServices(EdgeOptions options, MeshResolver resolver, AnswerWriter answers, IUpstream upstream, IOwnerInquiry? owners, TimeProvider time, Action<Exception>? onFault)
{
    private readonly LocalReply _replies = new(answers);
    private readonly CookieJar _cookies = new(time);

    public EdgeOptions Options { get; } = options;

    public TimeProvider Time { get; } = time;

    public ForwardPath Forward { get; } = new(upstream, new LocalReply(answers), owners is null ? null : new StaleReplica(resolver, owners));

    public IUpstream Upstream { get; } = upstream;

    public FaultCounter Faults { get; } = new(onFault, time);

    public EdgeStatistics Statistics { get; } = new();

    /// <summary>Places for TCP queries that wait for an upstream, of all connections.</summary>
    public TcpForwards TcpForwards { get; } = new(options.MaxTcpForwards);

    public QueryPipeline NewPipeline(QueryCounters counters) => new(resolver, _replies, Upstream, _cookies, counters, Faults);
}
