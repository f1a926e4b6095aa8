using System.Text;

namespace MeshDns.Host.Settings.Hocon;

/// <summary>A resolved value: no substitution is left in it.</summary>
internal abstract record HoconValue(HoconOrigin Origin)
{
    /// <summary>The value as HOCON text on one line.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        RenderTo(text);
        return text.ToString();
    }

    internal abstract void RenderTo(StringBuilder text);
}

/// <summary>A string, number or boolean; the reader of a key decides what it means.</summary>
internal sealed record HoconText(HoconOrigin Origin, string Text) : HoconValue(Origin)
{
    internal override void RenderTo(StringBuilder text) => HoconPath.Quote(text, Text, dotIsPlain: true);
}

internal sealed record HoconNull(HoconOrigin Origin) : HoconValue(Origin)
{
    internal override void RenderTo(StringBuilder text) => text.Append("null");
}

internal sealed record HoconArray(HoconOrigin Origin, IReadOnlyList<HoconValue> Items) : HoconValue(Origin)
{
    internal override void RenderTo(StringBuilder text)
    {
        text.Append('[');
        for (var i = 0; i < Items.Count; i++)
        {
            text.Append(i > 0 ? ", " : "");
            Items[i].RenderTo(text);
        }
        text.Append(']');
    }
}

internal sealed record HoconObject(HoconOrigin Origin, IReadOnlyDictionary<string, HoconField> Fields) : HoconValue(Origin)
{
    internal override void RenderTo(StringBuilder text)
    {
        text.Append('{');
        var first = true;
        foreach (var (key, field) in Fields)
        {
            text.Append(first ? " " : ", ");
            HoconPath.Quote(text, key, dotIsPlain: false);
            text.Append(" = ");
            field.Value.RenderTo(text);
            first = false;
        }
        text.Append(first ? "}" : " }");
    }
}

/// <summary>A value and where its key was written last.</summary>
internal sealed record HoconField(HoconOrigin KeyOrigin, HoconValue Value);
