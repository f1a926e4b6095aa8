using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>The token of a read: ends with the request, or when the time for reads is over.</summary>
internal sealed class ReadDeadline : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _linked;

    public ReadDeadline(HttpContext context, AdminServices services) : this(context, services, AdminLimits.ReadTimeout) { }

    public ReadDeadline(HttpContext context, AdminServices services, TimeSpan timeout)
    {
        _timer = new CancellationTokenSource(timeout, services.Time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, context.RequestAborted);
    }

    public CancellationToken Token => _linked.Token;

    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }
}
