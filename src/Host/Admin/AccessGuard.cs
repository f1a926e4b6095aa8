using System.Net;
using MeshDns.Host.Telemetry;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// Who may call. With a token: whoever shows it. Without one the API listens on a loopback address, and the danger is a web page
/// in the operator's own browser: a page whose name was rebound to 127.0.0.1 shows itself by its Host header, and a page that
/// posts across origins by its Origin header.
/// </summary>
internal sealed class AccessGuard
{
    private const string Scheme = "Bearer ";

    private readonly AdminToken _token;
    private readonly HashSet<string> _hosts;
    private readonly Rejections _rejections;

    public AccessGuard(AdminServices services)
    {
        var settings = services.Settings;
        _rejections = new Rejections("a request to the API", reason => services.Counters.Rejected.Increment(reason), services.Time, services.Log);
        _token = services.Token;
        _hosts = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "localhost", "127.0.0.1", "[::1]", Bracketed(settings.Listen.Address) };
    }

    /// <summary>Null when the request may go on.</summary>
    public Problem? Check(HttpContext context)
    {
        var path = context.Request.Path;
        if (path.Equals("/healthz", StringComparison.Ordinal) || path.Equals("/readyz", StringComparison.Ordinal)) return null;
        var header = context.Request.Headers.Authorization.ToString();
        // Asked once: it may become another meanwhile.
        return _token.Is(header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null) switch
        {
            null => CheckBrowser(context),
            true => null,
            false => RefuseToken(context, header),
        };
    }

    private Problem RefuseToken(HttpContext context, string header)
    {
        Reject(context, header.Length == 0 ? "token_missing" : "token_wrong", header.Length == 0 ? "it shows no token" : "it shows a wrong token");
        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"meshdns\"";
        return Problem.Of(StatusCodes.Status401Unauthorized, "unauthorized", "Token needed", "send the configured admin.token as Authorization: Bearer TOKEN");
    }

    private Problem? CheckBrowser(HttpContext context)
    {
        var request = context.Request;
        if (!_hosts.Contains(request.Host.Host))
        {
            Reject(context, "host", "its Host header names another server");
            return Problem.Of(StatusCodes.Status421MisdirectedRequest, "wrong-host", "Not this server's name",
                "without admin.token only the names localhost, 127.0.0.1, [::1] and the listen address are answered");
        }
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || origin == $"{request.Scheme}://{request.Host}") return null;
        Reject(context, "origin", "it comes from a page of another origin");
        return Problem.Of(StatusCodes.Status403Forbidden, "cross-origin", "Request from another origin", "without admin.token a page of another origin may not call");
    }

    // What the caller wrote itself never gets into the log.
    private void Reject(HttpContext context, string reason, string hint) => _rejections.Add(reason, context.Connection.RemoteIpAddress?.ToString() ?? "unknown", hint);

    private static string Bracketed(IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
}
