using System.Collections;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cli;

/// <summary>What the verbs need of their process, so that tests run them without one.</summary>
public sealed record CliContext
{
    /// <summary>Runs a node until it is told to stop, and has it read its settings again when it is told so; its result is the exit code.</summary>
    public required Func<MeshDnsSettings, HangUp, CancellationToken, Task<int>> Run { get; init; }

    /// <summary>Checks a store, read-only, or prints these rows of it; its result is the exit code.</summary>
    public required Func<MeshDnsSettings, (long From, long To)?, CancellationToken, Task<int>> Verify { get; init; }

    /// <summary>Gets results.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Gets errors and warnings.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Gives the manifests of <c>-f -</c>.</summary>
    public required Stream Input { get; init; }

    /// <summary>Environment variables.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>How long a server may take for one request; null: the default of each verb. Tests shorten it.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>How long a request that a busy server asks to repeat later (Retry-After) is repeated. Tests shorten it.</summary>
    public TimeSpan RetryPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The context of this process.</summary>
    public static CliContext OfProcess(Func<MeshDnsSettings, HangUp, CancellationToken, Task<int>> run, Func<MeshDnsSettings, (long From, long To)?, CancellationToken, Task<int>> verify) => new()
    {
        Run = run,
        Verify = verify,
        Output = Console.Out,
        Error = Console.Error,
        Input = Console.OpenStandardInput(),
        Environment = Variables(),
    };

    private static Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables()) variables[(string)entry.Key] = (string?)entry.Value ?? "";
        return variables;
    }
}
