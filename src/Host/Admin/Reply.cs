using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>Writes replies, all but the largest as a whole, so that they carry their length and a cut one is noticed.</summary>
internal static class Reply
{
    public const string Json = "application/json";
    public const string Yaml = "application/yaml";

    /// <summary>Writes a value as JSON.</summary>
    public static Task JsonAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        BytesAsync(context, status, Json, JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Writes a large value as JSON in chunks, which show a cut reply as well, so that its text is never there as a whole.</summary>
    public static Task JsonStreamAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        Head(context.Response, StatusCodes.Status200OK, Json);
        return JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    /// <summary>Writes YAML.</summary>
    public static Task YamlAsync(HttpContext context, string text) => BytesAsync(context, StatusCodes.Status200OK, Yaml, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes text of a media type.</summary>
    public static Task TextAsync(HttpContext context, string mediaType, string text) => BytesAsync(context, StatusCodes.Status200OK, mediaType, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes a problem document; nothing when the reply is under way already.</summary>
    public static Task ProblemAsync(HttpContext context, Problem problem)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }
        if (problem.Status == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = "1";
        return BytesAsync(context, problem.Status, Problem.ContentType, JsonSerializer.SerializeToUtf8Bytes(problem, AdminJson.Readable.Problem));
    }

    /// <summary>Writes bytes of a media type.</summary>
    public static Task BytesAsync(HttpContext context, int status, string mediaType, ReadOnlyMemory<byte> body)
    {
        Head(context.Response, status, mediaType);
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>Sets what every reply has.</summary>
    public static void Head(HttpResponse response, int status, string mediaType)
    {
        response.StatusCode = status;
        response.ContentType = mediaType;
        // Names and addresses change at any time, and a cached token-protected reply would outlive the token.
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
    }
}
