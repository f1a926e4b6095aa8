using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary><c>POST /v1/reload</c>: the settings are read again, and what can be is applied without a restart (docs/adr/0031).</summary>
internal sealed class ReloadRoute(AdminServices services)
{
    public async Task PostAsync(HttpContext context)
    {
        RequestQuery.Allow(context);
        using var deadline = new ReadDeadline(context, services, AdminLimits.ChangeTimeout);
        var outcome = await AskAsync(context, deadline.Token);
        if (outcome.Refused.Count > 0)
            throw new ProblemException(Problem.Of(StatusCodes.Status422UnprocessableEntity, "invalid-settings", "Invalid settings", "the settings cannot be used, and those before stay as they are", outcome.Refused));
        await Reply.JsonAsync(context, new ReloadJson(outcome.Applied, outcome.NeedsRestart, outcome.Notes.Count > 0 ? outcome.Notes : null), AdminJson.Readable.ReloadJson);
    }

    private async Task<ReloadOutcome> AskAsync(HttpContext context, CancellationToken cancel)
    {
        try
        {
            return await services.Reload($"POST /v1/reload of {context.Connection.RemoteIpAddress}", cancel);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw new ProblemException(ChangeProblems.Unknown("the settings were not read in time; what becomes of them is in the log"));
        }
    }
}

/// <summary>What came of reading the settings again.</summary>
/// <param name="Applied">The keys whose new values hold now.</param>
/// <param name="NeedsRestart">The keys whose new values hold after the next start.</param>
/// <param name="Notes">What else is to be known, a sentence each.</param>
/// <param name="Refused">Why nothing was taken; empty when it was.</param>
public sealed record ReloadOutcome(IReadOnlyList<string> Applied, IReadOnlyList<string> NeedsRestart, IReadOnlyList<string> Notes, IReadOnlyList<ProblemError> Refused);

/// <summary>The reply to <c>POST /v1/reload</c>.</summary>
internal sealed record ReloadJson(
    [property: JsonPropertyName("applied")] IReadOnlyList<string> Applied,
    [property: JsonPropertyName("needsRestart")] IReadOnlyList<string> NeedsRestart,
    [property: JsonPropertyName("notes")] IReadOnlyList<string>? Notes);
