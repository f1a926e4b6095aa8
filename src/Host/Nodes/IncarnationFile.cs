namespace MeshDns.Host.Nodes;

/// <summary>
/// The id of the last start that joined, in the node's own locked data directory: a restart shows it to take its own name back at once, instead of waiting
/// until the old row's lease has ended. Losing it costs that wait and nothing else.
/// </summary>
internal sealed class IncarnationFile(string dataDirectory)
{
    private const int MaxBytes = 64;

    private string FilePath => Path.Combine(dataDirectory, "incarnation");

    /// <summary>The id; empty when there is none.</summary>
    public string Read()
    {
        try { return new FileInfo(FilePath) is { Exists: true, Length: <= MaxBytes } ? File.ReadAllText(FilePath).Trim() : ""; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; }
    }

    /// <summary>Keeps the id; a failure is not worth more than the wait.</summary>
    public void Write(string incarnation)
    {
        try
        {
            File.WriteAllText(FilePath + ".new", incarnation);
            File.Move(FilePath + ".new", FilePath, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }
}
