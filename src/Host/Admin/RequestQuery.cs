using System.Globalization;
using MeshDns.Contracts.Messages;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// Reads query parameters and headers. Strict: an unknown or repeated parameter is refused, because <c>?dryrun=true</c> that
/// silently applies is worse than an error.
/// </summary>
internal static class RequestQuery
{
    private const int MaxTextLength = 512;
    private const int MaxKeyLength = 128;

    /// <summary>Refuses parameters other than these.</summary>
    public static void Allow(HttpContext context, params ReadOnlySpan<string> names)
    {
        foreach (var (name, values) in context.Request.Query)
        {
            if (!names.Contains(name)) throw Bad(name, names.Length == 0 ? "this path takes no query parameters" : $"unknown query parameter; known here: {string.Join(", ", names.ToArray())}");
            if (values.Count != 1) throw Bad(name, "given more than once");
            if (values[0]!.Length > MaxTextLength) throw Bad(name, $"longer than {MaxTextLength} characters");
        }
    }

    /// <summary>A parameter's text; null when it is absent or empty.</summary>
    public static string? Text(HttpContext context, string name)
    {
        var text = context.Request.Query[name].ToString();
        return text.Length == 0 ? null : text;
    }

    /// <summary>A parameter that is true or false; false when absent.</summary>
    public static bool Flag(HttpContext context, string name) => Text(context, name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw Bad(name, "must be true or false"),
    };

    /// <summary>The page asked for by <c>limit</c>, <c>after</c> and <c>q</c>.</summary>
    public static PageRequest Page(HttpContext context)
    {
        Allow(context, "limit", "after", "q");
        var limit = AdminLimits.DefaultPageItems;
        if (Text(context, "limit") is { } text &&
            (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > AdminLimits.PageItems))
        {
            throw Bad("limit", $"must be a number from 1 to {AdminLimits.PageItems}");
        }
        return new PageRequest(limit, Text(context, "after"), Text(context, "q"));
    }

    /// <summary>Whether <c>?wait=edges</c> was asked.</summary>
    public static bool WaitsForEdges(HttpContext context) => Text(context, "wait") switch
    {
        null => false,
        "edges" => true,
        _ => throw Bad("wait", "must be edges"),
    };

    /// <summary>The Idempotency-Key header; null when absent.</summary>
    public static string? IdempotencyKey(HttpContext context)
    {
        var values = context.Request.Headers["Idempotency-Key"];
        if (values.Count == 0) return null;
        var key = values.ToString();
        if (values.Count == 1 && key.Length is > 0 and <= MaxKeyLength && key.All(c => c is > ' ' and < '\u007f')) return key;
        throw Bad("Idempotency-Key", $"must be 1 to {MaxKeyLength} printable characters");
    }

    private static ProblemException Bad(string field, string reason) => new(Problem.BadRequest($"{field}: {reason}", field));
}
