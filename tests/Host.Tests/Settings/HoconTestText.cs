using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Tests.Settings;

/// <summary>Parses and resolves a text the short way.</summary>
internal static class HoconTestText
{
    public static HoconObject Resolve(string text, params (string Name, string Value)[] environment)
    {
        var value = Resolve(text, out var errors, environment);
        Assert.Empty(errors.Select(error => $"{error.Origin}: {error.Message}"));
        return value;
    }

    public static HoconObject Resolve(string text, out IReadOnlyList<HoconException> errors, params (string Name, string Value)[] environment)
    {
        var root = new ObjectTerm(new HoconOrigin("test.conf", 1, 1));
        HoconParser.Parse(root, "test.conf", text);
        return HoconResolver.Resolve(root, environment.ToDictionary(e => e.Name, e => e.Value), out errors);
    }

    /// <summary>The whole tree as text on one line.</summary>
    public static string Rendered(string text, params (string Name, string Value)[] environment) => Resolve(text, environment).Render();

    public static HoconException Refused(string text) => Assert.Throws<HoconException>(() => Resolve(text, out _));
}
