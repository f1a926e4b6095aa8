namespace MeshDns.Host.Settings;

/// <summary>Text that must not reach a log, an error or a dump: only <see cref="Reveal"/> shows it, <see cref="ToString"/> never does.</summary>
public sealed class Secret(string text)
{
    /// <summary>What is shown in place of a secret.</summary>
    public const string Mask = "***";

    /// <summary>No secret.</summary>
    public static Secret Unset { get; } = new("");

    /// <summary>Whether there is one.</summary>
    public bool IsSet => text.Length > 0;

    /// <summary>The text itself, empty when not set; for the comparison or connection that needs it and nothing else.</summary>
    public string Reveal() => text;

    /// <summary><see cref="Mask"/>, or nothing when not set.</summary>
    public override string ToString() => IsSet ? Mask : "";
}
