namespace MeshDns.Host.Cli;

/// <summary>What a verb's exit code means; scripts depend on these.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>Refused or failed, and nothing happened; stderr says why.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>It may or may not have happened.</summary>
    public const int OutcomeUnknown = 3;
}

/// <summary>Ends a verb: the message goes to stderr, the code to the shell.</summary>
internal sealed class VerbFailedException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
