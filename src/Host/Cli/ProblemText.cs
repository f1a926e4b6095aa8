using System.Text;
using System.Text.Json;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Cli;

/// <summary>A problem document as lines for a person.</summary>
internal static class ProblemText
{
    /// <summary>The problem; null when the text is not a problem document.</summary>
    /// <param name="json">The reply.</param>
    /// <param name="request">What was sent, to name its parts by the files they came from; null for nothing.</param>
    public static string? Of(string json, RequestText? request)
    {
        Problem? problem;
        try
        {
            problem = JsonSerializer.Deserialize(json, AdminJson.Readable.Problem);
        }
        catch (JsonException)
        {
            return null;
        }
        if (problem is null) return null;
        var documents = request?.Documents ?? [];
        var text = new StringBuilder(problem.Title);
        if (!string.IsNullOrEmpty(problem.Detail)) text.Append(": ").Append(problem.Detail);
        foreach (var error in problem.Errors ?? [])
        {
            // Of a request without documents to name, such as a deletion, an error that repeats the problem says nothing more.
            if (documents.Count == 0 && error.Field is null && error.Reason == problem.Detail) continue;
            text.Append("\n  ");
            if (error.Document is { } number) text.Append(number <= documents.Count ? documents[number - 1] : $"document {number}").Append(": ");
            else if (error.Line is { } line && request?.Lines.GetValueOrDefault(line) is { } place) text.Append(place).Append(": ");
            if (error.Field is { } field) text.Append(field).Append(": ");
            text.Append(error.Reason);
        }
        return text.ToString();
    }
}
