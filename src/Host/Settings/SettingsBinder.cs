using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Reads keys out of a resolved configuration and collects what is wrong with them.</summary>
internal sealed class SettingsBinder(HoconObject root, List<SettingsError> errors)
{
    private readonly HashSet<SettingKey> _failed = [];
    private readonly Dictionary<SettingKey, object?> _values = [];

    /// <summary>The values read so far.</summary>
    public IReadOnlyDictionary<SettingKey, object?> Values => _values;

    /// <summary>The key's value; a meaningless one when <see cref="AllValid"/> is false for it.</summary>
    public T Get<T>(SettingKey<T> key)
    {
        var issues = new SettingIssues(key.Path, errors);
        var value = Find(root, key);
        if (value is HoconNull)
            issues.Refuse(value, "is null; leave the key out to get its default");
        // A key is missing only below a section that is no object, and that is an error of its own.
        var result = value is null or HoconNull ? default! : key.Read(value, issues);
        if (value is null || issues.Any)
            _failed.Add(key);
        _values[key] = result;
        return result;
    }

    public bool AllValid(params ReadOnlySpan<SettingKey> keys)
    {
        foreach (var key in keys)
        {
            if (_failed.Contains(key))
                return false;
        }
        return true;
    }

    /// <summary>Refuses a value that is fine in itself but not with others.</summary>
    public void Refuse(SettingKey key, string message)
    {
        if (Find(root, key) is { } value)
            new SettingIssues(key.Path, errors).Refuse(value, message);
    }

    /// <summary>Refuses every key that the schema does not have, and sections that are no objects. What is in <c>akka { }</c> is <see cref="AkkaReader"/>'s.</summary>
    public void RefuseUnknown() => RefuseUnknown(root, []);

    /// <summary>The value at a key; null when it is not there.</summary>
    public static HoconValue? Find(HoconObject root, SettingKey key)
    {
        HoconValue? value = root;
        foreach (var element in key.Elements)
            value = value is HoconObject section && section.Fields.TryGetValue(element, out var field) ? field.Value : null;
        return value;
    }

    private void RefuseUnknown(HoconObject section, IReadOnlyList<string> path)
    {
        foreach (var (name, field) in section.Fields)
        {
            if (errors.Count >= HoconLimits.Errors)
                return;
            if (path.Count == 0 && name == AkkaReader.Root)
                continue;
            IReadOnlyList<string> here = [.. path, name];
            var key = HoconPath.Render(here);
            var issues = new SettingIssues(key, errors);
            if (SettingsSchema.All.Any(known => known.Elements.SequenceEqual(here)))
                continue;
            if (!SettingsSchema.All.Any(known => known.Elements.Take(here.Count).SequenceEqual(here)))
                issues.Refuse(field.KeyOrigin, $"unknown key{Suggestion.For(key)}");
            else if (field.Value is HoconObject below)
                RefuseUnknown(below, here);
            else
                issues.Refuse(field.Value, $"is a section, {name} {{ ... }}, not {SettingReaders.Kind(field.Value)}");
        }
    }
}
