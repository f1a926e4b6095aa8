using System.Globalization;
using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Admin;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Nodes;

/// <summary>Explains by the resolver that answers.</summary>
internal sealed class NodeExplainer(MeshResolver resolver) : IExplainer
{
    public Task<Admin.Explanation> ExplainAsync(string name, string type, IPAddress? client, CancellationToken cancel)
    {
        var explained = Resolve.Explanation.Of(resolver, name, TypeOf(type), client) ?? throw new FormatException($"'{name}' is not a DNS name");
        return Task.FromResult(new Admin.Explanation(explained.Name, explained.Type, client?.ToString(), explained.Stage, explained.Rcode, explained.Steps, explained.Answers));
    }

    private static DnsType TypeOf(string text)
    {
        if (text.StartsWith("TYPE", StringComparison.OrdinalIgnoreCase) && ushort.TryParse(text.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return (DnsType)number;
        // Enum.TryParse takes numbers too, which are not mnemonics.
        return !char.IsAsciiDigit(text.FirstOrDefault('0')) && Enum.TryParse<DnsType>(text, ignoreCase: true, out var type) ? type : throw new FormatException($"'{text}' is not a record type");
    }
}
