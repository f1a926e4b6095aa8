using MeshDns.Actors.Vips;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace MeshDns.Host.Admin;

/// <summary>
/// The manifests in a request's body: received first, bounded in size, time and memory, and then read, checked whole. While it arrives the request has no
/// place, so that slow callers keep nobody waiting. Its memory counts until it is disposed.
/// </summary>
internal sealed class RequestBody : IDisposable
{
    private const int InitialBytes = 4 * 1024;

    private readonly BodyMemory _memory;
    private byte[] _bytes = [];

    private RequestBody(BodyMemory memory, ManifestFormat format) => (_memory, Format) = (memory, format);

    /// <summary>Bytes of it.</summary>
    public int Length { get; private set; }

    /// <summary>Its bytes, where it is JSON.</summary>
    /// <exception cref="ProblemException">It is YAML.</exception>
    public ReadOnlyMemory<byte> Json => Format == ManifestFormat.Json ? _bytes.AsMemory(0, Length) : throw Unsupported("send Content-Type application/json");

    private ManifestFormat Format { get; }

    /// <summary>Waits until it has arrived.</summary>
    /// <exception cref="ProblemException">It is of another type, too slow, malformed, or there is no memory for it.</exception>
    /// <exception cref="BadHttpRequestException">It is too large or malformed.</exception>
    public static async Task<RequestBody> ReceiveAsync(HttpContext context, int maxBytes, Admission admission, TimeProvider time)
    {
        var body = new RequestBody(admission.Bodies, FormatOf(context.Request));
        var connection = context.Features.Get<OpenConnection>();
        connection?.Await();
        try
        {
            await body.FillAsync(context, maxBytes, time);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
        finally { connection?.Serve(); }
    }

    /// <summary>What the body holds; without errors.</summary>
    /// <param name="range">The ranges that VIPs come from; what rests must be of them.</param>
    /// <param name="time">The clock that tells which rests are over.</param>
    /// <param name="strict">Refuse kinds that mean nothing for names.</param>
    /// <exception cref="ProblemException">Anything is wrong with it; the problem names each error.</exception>
    public ManifestResult Read(VipRange range, TimeProvider time, bool strict)
    {
        var result = ManifestReader.Read("body", _bytes.AsMemory(0, Length), Format, strict);
        if (result.Errors.Count == 0) return CheckRests(result, range, time.GetUtcNow().ToUnixTimeMilliseconds());
        var errors = result.Errors.Take(AdminLimits.ProblemErrors).Select(Render).ToList();
        // An error of a document that could be read as a tree names a field; one without is about the text itself.
        var malformed = result.Errors.All(error => error.Path.Length == 0);
        throw new ProblemException(malformed
            ? Problem.Of(StatusCodes.Status400BadRequest, "malformed-manifest", "Malformed manifest", result.Errors[0].Reason, errors)
            : Problem.Of(StatusCodes.Status422UnprocessableEntity, "invalid-manifest", "Invalid manifest", $"{Count(errors.Count)}; nothing was applied", errors));
    }

    public void Dispose()
    {
        _memory.Give(_bytes.Length);
        _bytes = [];
    }

    private async Task FillAsync(HttpContext context, int maxBytes, TimeProvider time)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = maxBytes;
        using var timer = new CancellationTokenSource(AdminLimits.BodyTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, context.RequestAborted);
        // One byte more than there may be, so that there is always room to read the end.
        var most = (int)Math.Min(context.Request.ContentLength ?? maxBytes, maxBytes) + 1;
        try
        {
            for (var read = -1; read != 0; Length += read)
            {
                if (Length == _bytes.Length) Grow(Math.Min(Math.Max(InitialBytes, 2 * Length), most));
                read = await context.Request.Body.ReadAsync(_bytes.AsMemory(Length), linked.Token);
            }
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
    }

    private void Grow(int size)
    {
        if (!_memory.TryTake(size)) throw new ProblemException(Problem.Unavailable("the bodies of other requests take all the memory there is for them"));
        var larger = new byte[size];
        _bytes.AsSpan(0, Length).CopyTo(larger);
        _memory.Give(_bytes.Length);
        _bytes = larger;
    }

    // The mesh checks it again; here the line is known.
    private static ManifestResult CheckRests(ManifestResult result, VipRange range, long now)
    {
        var wrong = result.Rests.Select(rest => (rest.Line, rest.Vip.Vip, Reason: WantedRests.WrongWith(range, rest.Vip, now))).Where(rest => rest.Reason is not null)
            .Select(rest => new ProblemError { Line = rest.Line, Reason = $"the resting line of {rest.Vip}: {rest.Reason}" }).Take(AdminLimits.ProblemErrors).ToList();
        if (wrong.Count == 0) return result;
        throw new ProblemException(Problem.Of(StatusCodes.Status422UnprocessableEntity, "invalid-manifest", "Invalid manifest", $"{Count(wrong.Count)}; nothing was applied", wrong));
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
    private static ManifestFormat FormatOf(HttpRequest request)
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

    private static ProblemException Unsupported(string detail) =>
        new(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "Unsupported media type", detail));
}
