using System.Globalization;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Services;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace MeshDns.Host.Admin;

/// <summary>If-Match and If-None-Match (RFC 9110 section 13.1) as the version that a change demands. The ETag is the document's version, quoted.</summary>
internal static class Preconditions
{
    /// <summary>The ETag of a version.</summary>
    public static string ETag(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    /// <summary>
    /// The version that the document must have: null for any, 0 when it must not exist. <c>If-Match: *</c> and a list need a look at the
    /// document; when it changes between the look and the change, the change is refused, which is what the caller asked for.
    /// </summary>
    /// <exception cref="ProblemException">412 when it cannot match; 400 when a header is malformed.</exception>
    public static async Task<long?> ReadAsync(HttpContext context, IMeshControl mesh, DocumentKey key, CancellationToken cancel)
    {
        var match = context.Request.Headers.IfMatch;
        var noneMatch = context.Request.Headers.IfNoneMatch;
        if (match.Count > 0 && noneMatch.Count > 0) throw new ProblemException(Problem.BadRequest("give If-Match or If-None-Match, not both"));
        if (noneMatch.Count > 0)
        {
            if (noneMatch.ToString().Trim() != "*") throw new ProblemException(Problem.BadRequest("If-None-Match: only * is taken for a change", "If-None-Match"));
            return 0;
        }
        if (match.Count == 0) return null;
        if (!EntityTagHeaderValue.TryParseStrictList([.. match.OfType<string>()], out var tags) || tags.Count == 0) throw new ProblemException(Problem.BadRequest("If-Match: must be * or quoted ETags", "If-Match"));
        if (tags.Count == 1 && VersionOf(tags[0]) is { } version) return version;
        var current = (await mesh.GetDocumentAsync(key, cancel).WaitAsync(cancel))?.Version;
        if (current is { } found && tags.Any(tag => tag.Tag == "*" || VersionOf(tag) == found)) return found;
        throw new ProblemException(Problem.Of(StatusCodes.Status412PreconditionFailed, "version-mismatch", "Version mismatch",
            current is null ? $"{key} does not exist" : $"{key} has the version {current}"));
    }

    /// <summary>The ETag that something must have that is always there, without quotes; null for any. The look is for a list of them.</summary>
    /// <exception cref="ProblemException">412 when it cannot match; 400 when a header is malformed.</exception>
    public static async Task<string?> TagAsync(HttpContext context, Func<Task<string>> currentAsync)
    {
        if (context.Request.Headers.IfNoneMatch.Count > 0) throw new ProblemException(Problem.BadRequest("If-None-Match: is not taken here; give If-Match", "If-None-Match"));
        var match = context.Request.Headers.IfMatch;
        if (match.Count == 0) return null;
        if (!EntityTagHeaderValue.TryParseStrictList([.. match.OfType<string>()], out var tags) || tags.Count == 0) throw new ProblemException(Problem.BadRequest("If-Match: must be * or quoted ETags", "If-Match"));
        if (tags.Any(tag => tag.Tag == "*")) return null;
        // A weak tag never matches (RFC 9110 section 13.1.1).
        var strong = tags.Where(tag => !tag.IsWeak).Select(tag => tag.Tag.Value!.Trim('"')).ToArray();
        if (strong.Length == 1) return strong[0];
        var current = await currentAsync();
        return strong.Contains(current) ? current : throw new ProblemException(Problem.Of(StatusCodes.Status412PreconditionFailed, "version-mismatch", "Version mismatch", $"the ETag is \"{current}\""));
    }

    /// <summary>Null for what is no version of ours: <c>*</c>, a weak tag (which never matches, RFC 9110 section 13.1.1), or other text.</summary>
    private static long? VersionOf(EntityTagHeaderValue tag) =>
        !tag.IsWeak && long.TryParse(tag.Tag.Value.AsSpan().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version > 0 ? version : null;
}
