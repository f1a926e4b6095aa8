namespace MeshDns.Host.Settings.Hocon;

/// <summary>Where a value was written. Line and column count from 1 and are 0 for sources that have no lines (<c>--set</c>, the environment).</summary>
internal sealed record HoconOrigin(string Source, int Line, int Column)
{
    public static HoconOrigin Environment(string name) => new($"env {name}", 0, 0);

    public bool IsEnvironment => Line == 0 && Source.StartsWith("env ", StringComparison.Ordinal);

    public override string ToString() => Line > 0 ? $"{Source}:{Line}:{Column}" : Source;
}
