using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace MeshDns.Host.Admin;

/// <summary>Reads the manifests in a request's body: bounded in size and time, of a known media type, checked whole.</summary>
internal static class RequestBody
{
    private const int InitialBytes = 64 * 1024;

    /// <summary>What the body holds; without errors.</summary>
    /// <param name="context">Whose body it is.</param>
    /// <param name="maxBytes">Its largest size.</param>
    /// <param name="time">The clock of its deadline.</param>
    /// <param name="strict">Refuse kinds that mean nothing for names.</param>
    /// <exception cref="ProblemException">Anything is wrong with it; the problem names each error.</exception>
    public static async Task<ManifestResult> ReadAsync(HttpContext context, int maxBytes, TimeProvider time, bool strict)
    {
        var format = Format(context.Request);
        var bytes = await ReadBytesAsync(context, maxBytes, time);
        var result = ManifestReader.Read("body", bytes, format, strict);
        if (result.Errors.Count == 0) return result;
        var errors = result.Errors.Take(AdminLimits.ProblemErrors).Select(Render).ToList();
        // An error of a document that could be read as a tree names a field; one without is about the text itself.
        var malformed = result.Errors.All(error => error.Path.Length == 0);
        throw new ProblemException(malformed
            ? Problem.Of(StatusCodes.Status400BadRequest, "malformed-manifest", "Malformed manifest", result.Errors[0].Reason, errors)
            : Problem.Of(StatusCodes.Status422UnprocessableEntity, "invalid-manifest", "Invalid manifest", $"{Count(errors.Count)}; nothing was applied", errors));
    }

    private static string Count(int errors) => errors == 1 ? "1 error" : $"{errors} errors";

    private static ProblemError Render(ManifestError error) => new()
    {
        Document = error.Number > 0 ? error.Number : null,
        Line = error.Line > 0 ? error.Line : null,
        Field = error.Path.Length > 0 ? error.Path : null,
        Reason = error.Reason,
    };

    /// <summary>
    /// The media type is needed: without one a web page could post across origins unasked (a browser sends JSON and YAML only after a preflight).
    /// </summary>
    private static ManifestFormat Format(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity") throw Unsupported($"Content-Encoding {request.Headers.ContentEncoding} is not taken");
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)) throw Unsupported("send Content-Type application/yaml or application/json");
        if (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)) throw Unsupported("only UTF-8 is taken");
        return type.MediaType.Value?.ToLowerInvariant() switch
        {
            "application/json" => ManifestFormat.Json,
            "application/yaml" or "application/x-yaml" or "text/yaml" or "text/x-yaml" => ManifestFormat.Yaml,
            _ => throw Unsupported($"{type.MediaType} is not taken; send application/yaml or application/json"),
        };
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpContext context, int maxBytes, TimeProvider time)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = maxBytes;
        using var timer = new CancellationTokenSource(AdminLimits.BodyTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, context.RequestAborted);
        var body = new MemoryStream(InitialBytes);
        try
        {
            await context.Request.Body.CopyToAsync(body, linked.Token);
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested)
        {
            throw new ProblemException(Problem.Of(StatusCodes.Status408RequestTimeout, "body-timeout", "Body too slow", $"the body did not arrive within {AdminLimits.BodyTimeout.TotalSeconds} s"));
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            // What Kestrel makes of a chunk whose size is more than it can count, and of a caller who has gone.
            throw new ProblemException(Problem.BadRequest($"the body cannot be read: {e.Message}"));
        }
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static ProblemException Unsupported(string detail) =>
        new(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "Unsupported media type", detail));
}
