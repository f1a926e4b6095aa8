using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace MeshDns.Host.Cluster;

/// <summary>What the head of a request between nodes says.</summary>
/// <param name="DeadlineMs">How long the asker waits, at least 1, counted from now: a duration, as clocks of nodes differ.</param>
internal readonly record struct AskHead(int DeadlineMs)
{
    public const string Route = "/cluster/v1/ask";
    public const string DeadlineHeader = "meshdns-deadline";

    /// <summary>Reads a request's head; false when it has another form.</summary>
    public static bool TryRead(Func<string, StringValues> header, out AskHead head)
    {
        head = default;
        if (header(DeadlineHeader) is not [{ } deadline] || !int.TryParse(deadline, NumberStyles.None, CultureInfo.InvariantCulture, out var deadlineMs) || deadlineMs < 1)
            return false;
        head = new AskHead(deadlineMs);
        return true;
    }
}
