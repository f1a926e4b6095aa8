namespace MeshDns.Host.Cli;

/// <summary>The body of a request, and what a person calls its parts.</summary>
/// <param name="Body">The text.</param>
/// <param name="MediaType">Its type.</param>
/// <param name="Documents">What errors call each document.</param>
/// <param name="Lines">What errors call a line that belongs to no document.</param>
internal sealed record RequestText(byte[] Body, string MediaType, IReadOnlyList<string> Documents, IReadOnlyDictionary<int, string> Lines);
