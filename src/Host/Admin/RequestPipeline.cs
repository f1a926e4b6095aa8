using System.Globalization;
using MeshDns.Actors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Admin;

/// <summary>
/// What every request passes before its route, the access guard; and the one place where failures of any kind become problem documents.
/// </summary>
internal sealed class RequestPipeline(AdminServices services)
{
    private readonly AccessGuard _guard = new(services);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var connection = context.Features.Get<OpenConnection>();
        connection?.Serve();
        var problem = await RunAsync(context, next);
        // A caller who has hung up gets nothing, and writing to the closed connection would throw.
        if (problem is not null && !context.RequestAborted.IsCancellationRequested) await Reply.ProblemAsync(context, problem);
        services.Counters.Requests.Increment(MethodLabel(context.Request.Method), context.Response.StatusCode.ToString(CultureInfo.InvariantCulture));
        connection?.Await();
    }

    private async Task<Problem?> RunAsync(HttpContext context, RequestDelegate next)
    {
        if (_guard.Check(context) is { } refusal) return refusal;
        try
        {
            await next(context);
            return RouteProblem(context);
        }
#pragma warning disable CA1031 // Input handling is total: whatever went wrong, the caller gets a problem document and the server goes on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return OfException(context, e);
        }
    }

    /// <summary>Routing answers unknown paths and methods with a bare status.</summary>
    private static Problem? RouteProblem(HttpContext context)
    {
        if (context.Response.HasStarted) return null;
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => Problem.NotFound($"there is no path {context.Request.Path}"),
            StatusCodes.Status405MethodNotAllowed => Problem.Of(StatusCodes.Status405MethodNotAllowed, "method-not-allowed", "Method not allowed",
                $"{context.Request.Path} does not take {context.Request.Method}; it takes {context.Response.Headers.Allow}"),
            _ => null,
        };
    }

    private Problem OfException(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case ProblemException refused:
                return refused.Problem;
            case MeshUnavailableException unavailable:
                return Problem.Unavailable(unavailable.Message);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return Problem.Of(StatusCodes.Status413PayloadTooLarge, "too-large", "Body too large", "the body is larger than this path takes");
            case BadHttpRequestException bad:
                return Problem.Of(bad.StatusCode, "bad-request", "Malformed request", bad.Message);
            case TimeoutException or OperationCanceledException:
                return Problem.Unavailable("no answer in time");
            default:
                services.Log.LogError(exception, "admin request {Method} {Path} failed", context.Request.Method, context.Request.Path);
                return Problem.Of(StatusCodes.Status500InternalServerError, "internal", "Internal error", "the server's log says more");
        }
    }

    /// <summary>A caller may invent methods; the metric's labels must not grow with them.</summary>
    private static string MethodLabel(string method) => method is "GET" or "PUT" or "POST" or "DELETE" or "HEAD" ? method : "other";
}
