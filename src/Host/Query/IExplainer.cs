using System.Net;
using System.Text.Json.Serialization;

namespace MeshDns.Host.Query;

/// <summary>Says what a query would get and why, by the very code that answers queries.</summary>
public interface IExplainer
{
    /// <summary>Explains one query. Ends by the token.</summary>
    /// <param name="name">The name as the caller wrote it.</param>
    /// <param name="type">A type's mnemonic (<c>A</c>) or <c>TYPE65</c> (RFC 3597 section 5).</param>
    /// <param name="client">Whose query; null for a client that matches no network.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="FormatException">The name or the type is not one.</exception>
    Task<Explanation> ExplainAsync(string name, string type, IPAddress? client, CancellationToken cancel);
}

/// <summary>What a query would get and why.</summary>
/// <param name="Name">The name as it was looked up.</param>
/// <param name="Type">The type's mnemonic.</param>
/// <param name="Client">Whose query, or null.</param>
/// <param name="Stage">The pipeline stage that answers; the <c>stage</c> label of the query metrics.</param>
/// <param name="Rcode">The response code's mnemonic, or null when upstream decides it.</param>
/// <param name="Steps">What was decided, in order, a sentence each.</param>
/// <param name="Answers">The records in master file form, <c>name ttl IN type data</c>.</param>
public sealed record Explanation(
    string Name,
    string Type,
    string? Client,
    string Stage,
    string? Rcode,
    IReadOnlyList<string> Steps,
    IReadOnlyList<string> Answers)
{
    /// <summary>The index of the VIP that is answered; null for none. Not shown: whoever shows the rest adds what the owners know of its lease.</summary>
    [JsonIgnore]
    public int? VipIndex { get; init; }
}
