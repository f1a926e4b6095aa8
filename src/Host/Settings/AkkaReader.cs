using MeshDns.Actors.Cluster;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>
/// Reads the root block <c>akka { }</c>: an operator's values for Akka.NET's own keys, as dotted key and scalar text. What a key means is Akka's; here it is only seen to
/// that none is set which must not be, and that nothing but plain keys and scalars goes on to Akka's parser.
/// </summary>
internal static class AkkaReader
{
    /// <summary>The block's key.</summary>
    public const string Root = "akka";

    private const int MaxKeyChars = 256;
    private const int MaxKeys = 1_000;

    // AkkaSettings writes these from keys of meshdns, over whatever else was said: taken here, they would do nothing.
    private static readonly (string Key, string From)[] _derived =
    [
        ("akka.remote.dot-netty.tcp.hostname", "cluster.listen"),
        ("akka.remote.dot-netty.tcp.port", "cluster.listen"),
        ("akka.remote.dot-netty.tcp.public-hostname", "cluster.advertise"),
        ("akka.remote.dot-netty.tcp.public-port", "cluster.advertise"),
        ("akka.remote.dot-netty.tcp.enable-ssl", "cluster.secret or cluster.tls"),
        ("akka.remote.dot-netty.tcp.ssl", "cluster.secret or cluster.tls"),
        ("akka.cluster.roles", "node.roles"),
        ("akka.cluster.failure-detector.heartbeat-interval", "cluster.heartbeat"),
        ("akka.cluster.failure-detector.expected-response-after", "cluster.heartbeat"),
        ("akka.cluster.failure-detector.acceptable-heartbeat-pause", "cluster.lease"),
        ("akka.cluster.split-brain-resolver.stable-after", "cluster.lease"),
        ("akka.cluster.split-brain-resolver.lease-majority", "cluster.lease"),
        ("akka.cluster.split-brain-resolver.active-strategy", "journal.store"),
        ("akka.persistence.journal.sql.connection-string", "journal.connection-string"),
        ("akka.persistence.journal.sql.provider-name", "journal.store"),
        ("akka.persistence.journal.sql.default.schema-name", "journal.store"),
    ];

    /// <summary>The keys that follow from others, for a test that they do.</summary>
    internal static IEnumerable<string> DerivedKeys => _derived.Select(derived => derived.Key);

    /// <summary>The block's keys and values, in the order written; they count only when no error was added.</summary>
    public static IReadOnlyDictionary<string, string> Read(HoconObject root, List<SettingsError> errors)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!root.Fields.TryGetValue(Root, out var block))
            return values;
        if (block.Value is HoconObject fields)
            Read(fields, Root, values, errors);
        else
            new SettingIssues(Root, errors).Refuse(block.Value, $"is a section, {Root} {{ ... }}, not {SettingReaders.Kind(block.Value)}");
        return values;
    }

    /// <summary>The value at a key that <see cref="Read(HoconObject, List{SettingsError})"/> gave.</summary>
    public static HoconValue At(HoconObject root, string key)
    {
        HoconValue value = root;
        foreach (var element in key.Split('.'))
            value = ((HoconObject)value).Fields[element].Value;
        return value;
    }

    /// <summary>Whether a value had better not be shown: Akka says of no key that it is secret.</summary>
    public static bool IsSecret(string key)
        => key.Contains("password", StringComparison.OrdinalIgnoreCase) || key.Contains("secret", StringComparison.OrdinalIgnoreCase)
            || key.Contains("connection-string", StringComparison.OrdinalIgnoreCase);

    private static void Read(HoconObject section, string path, Dictionary<string, string> values, List<SettingsError> errors)
    {
        foreach (var (name, field) in section.Fields)
        {
            if (errors.Count >= HoconLimits.Errors)
                return;
            // Checked before anything is built of it or looked for below it: a quoted element may hold dots, or be megabytes long.
            var isPlain = name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
            var isShort = path.Length + name.Length < MaxKeyChars;
            var key = isPlain ? $"{path}.{name}" : $"{path}.{SettingReaders.Shown(name)}";
            var issues = new SettingIssues(isShort ? key : path, errors);
            if (!isShort)
                issues.Refuse(field.KeyOrigin, $"a key has at most {MaxKeyChars} characters");
            else if (!isPlain)
                issues.Refuse(field.KeyOrigin, "between its dots a key has only letters, digits, '-' and '_', quoted or not");
            else if (field.Value is HoconObject below)
                Read(below, key, values, errors);
            else if (WhyNot(key, field.Value) is { } whyNot)
                issues.Refuse(field.KeyOrigin, whyNot);
            else if (values.Count >= MaxKeys)
                issues.Refuse(field.KeyOrigin, $"{Root} {{ }} has at most {MaxKeys} keys");
            else
                values.Add(key, ((HoconText)field.Value).Text);
        }
    }

    private static string? WhyNot(string key, HoconValue value)
    {
        var (derived, from) = Array.Find(_derived, derived => derived.Key == key || IsBelow(key, derived.Key) || IsBelow(derived.Key, key));
        if (derived is not null)
            return $"it follows from {from} in {SettingKey.Root} {{ }}; set that";
        // What is below a fixed key would take its place.
        var ruling = AkkaSettings.FixedKeys.FirstOrDefault(known => IsBelow(key, known)) ?? key;
        if (AkkaSettings.WhyNot(ruling, value is HoconText text ? text.Text : "") is { } whyNot)
            return whyNot;
        return value switch
        {
            HoconText => null,
            HoconNull => "is null; leave the key out to get its default",
            _ => $"must be text, a number, a switch or a duration; {SettingReaders.Kind(value)} is not taken here",
        };
    }

    private static bool IsBelow(string key, string section)
        => key.Length > section.Length && key[section.Length] == '.' && key.StartsWith(section, StringComparison.Ordinal);
}
