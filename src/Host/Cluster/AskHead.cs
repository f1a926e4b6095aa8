using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace MeshDns.Host.Cluster;

/// <summary>What the head of a request between nodes says; all of it is sealed.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">HTTP path, as decoded by the server.</param>
/// <param name="DeadlineMs">How long the asker waits, counted from now: a duration, as clocks of nodes differ.</param>
/// <param name="Target">The address that was asked, so that a request to one node is no request to another.</param>
/// <param name="Nonce">128 random bits in hex, new for each request.</param>
/// <param name="Body">What the body is.</param>
internal readonly record struct AskHead(string Method, string Path, int DeadlineMs, string Target, string Nonce, BodyMark Body)
{
    public const string Route = "/cluster/v1/ask";
    public const string AuthHeader = "meshdns-auth";
    public const string BodyHeader = "meshdns-body";
    public const string DeadlineHeader = "meshdns-deadline";
    public const string TargetHeader = "meshdns-target";

    private const string Version = "v1";
    private const int MaxTargetChars = 300;

    /// <summary>The value of the auth header of a request.</summary>
    public static string AuthOfRequest(string nonce, string seal) => $"{Version} {nonce} {seal}";

    /// <summary>The value of the auth header of a reply.</summary>
    public static string AuthOfReply(string seal) => $"{Version} {seal}";

    /// <summary>The seal of a reply; null when the header has another form.</summary>
    public static string? SealOfReply(string? header) => header?.Split(' ') is [Version, var seal] ? seal : null;

    /// <summary>Reads a request's head. False when it has no seal or another form; nothing is authenticated yet.</summary>
    public static bool TryRead(string method, string path, Func<string, StringValues> header, out AskHead head, out string seal)
    {
        (head, seal) = (default, "");
        if (header(AuthHeader) is not [{ } auth] || auth.Split(' ') is not [Version, { Length: 32 } nonce, var shown]
            || header(DeadlineHeader) is not [{ } deadline] || !int.TryParse(deadline, NumberStyles.None, CultureInfo.InvariantCulture, out var deadlineMs) || deadlineMs < 1
            || header(TargetHeader) is not [{ Length: <= MaxTargetChars } target]
            || header(BodyHeader) is not [{ } body] || !BodyMark.TryParse(body, out var mark))
            return false;
        (head, seal) = (new AskHead(method, path, deadlineMs, target, nonce, mark), shown);
        return true;
    }
}
