namespace MeshDns.Host.Settings;

/// <summary>One reason why the settings were refused. Never carries a secret.</summary>
/// <param name="Source">The file, <c>--set KEY</c> or <c>env NAME</c> where the wrong text stands.</param>
/// <param name="Line">Line from 1; 0 when the source has no lines.</param>
/// <param name="Column">Column from 1, in characters; 0 when the source has no lines.</param>
/// <param name="Key">The dotted key under and including <c>meshdns</c> or <c>akka</c>, or empty when the text could not be parsed that far.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
public sealed record SettingsError(string Source, int Line, int Column, string Key, string Message)
{
    /// <summary><c>file:line:column: key: message</c>.</summary>
    public override string ToString()
    {
        var at = Line > 0 ? $"{Source}:{Line}:{Column}" : Source;
        return Key.Length > 0 ? $"{at}: {Key}: {Message}" : $"{at}: {Message}";
    }
}
