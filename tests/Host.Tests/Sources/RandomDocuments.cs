using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Services;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Host.Tests.Sources;

/// <summary>Valid documents of every shape, from a seed.</summary>
internal sealed class RandomDocuments(int seed)
{
    private static readonly string[] _texts = ["", "yes", "null", "12", "1e3", "0x1F", "2026-01-02", "~", "- a", "a: b", "# x", "\"q\"", "'", "a\nb\n", " lead", "tab\t", "\u0000\u001f\u007f\u0085\u2028\uFEFF", "ü\U0001F600", "{x}", "[y]", "&a *b !c", "---", "..."];

    /// <summary>Seeds of the whole range; FsCheck's own integers stay small.</summary>
    public static Arbitrary<int> Seeds { get; } = Gen.Choose(int.MinValue, int.MaxValue).ToArbitrary();

    private readonly Random _random = new(seed);

    public MeshDocument Next()
    {
        var document = _random.Next(3) > 0
            ? new MeshDocument { Key = new DocumentKey(DocumentKind.ServiceEntry, Name(), Name() + "." + Name()), Spec = Entry() }
            : new MeshDocument { Key = new DocumentKey(DocumentKind.Service, Name(), Name()), Spec = Service() };
        return document with { Labels = Labels(), Annotations = Map(() => Name() + ".io/" + Name(), () => _random.Next(2) == 0 ? Pick(_texts) : Pick(_texts) + Pick(_texts)) };
    }

    private ServiceEntrySpec Entry()
    {
        var resolution = Pick(Enum.GetValues<Resolution>());
        var isDynamic = resolution == Resolution.DynamicDns;
        var isStatic = resolution == Resolution.Static;
        var ports = Ports(["TCP", "HTTP", "GRPC-WEB", "TLS", "UDP"], alwaysNamed: false, letter: Pick(["p", "P"]));
        var endpoints = resolution switch { Resolution.None or Resolution.DynamicDns => 0, Resolution.DnsRoundRobin => _random.Next(2), _ => _random.Next(4) };
        var isWild = isDynamic || (resolution != Resolution.Dns && resolution != Resolution.DnsRoundRobin || endpoints > 0) && _random.Next(3) == 0;
        return new ServiceEntrySpec
        {
            Hosts = Several(1, 4, () => HostName.Parse((isWild ? "*." : "") + Name() + "." + Pick(["com", "internal"]))),
            Patterns = _random.Next(5) == 0 ? ["*x." + Name(), "*-y"] : null,
            Addresses = isDynamic ? [] : Several(0, 3, () => resolution is Resolution.None or Resolution.Static && _random.Next(3) == 0 ? $"10.{_random.Next(256)}.0.0/16" : Address()),
            Ports = ports,
            Location = Pick([null, "MESH_EXTERNAL", "MESH_INTERNAL"]),
            Resolution = resolution,
            Endpoints = [.. Enumerable.Range(0, endpoints).Select(_ => new ServiceEndpoint(isStatic || _random.Next(2) == 0 ? Address() : Name() + ".net", EndpointPorts(ports), Labels()))],
            ExportTo = _random.Next(6) == 0 ? ["~"] : Several(0, 3, () => Pick([".", "*", Name()])),
        };
    }

    private ServiceSpec Service()
    {
        var type = Pick(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]);
        var headless = type == "ClusterIP" && _random.Next(2) == 0;
        return new ServiceSpec
        {
            Type = type,
            Headless = headless,
            ClusterIPs = headless || type == "ExternalName" ? [] : Pick<string[]>([[], ["10.0.0.1"], ["fd00::1"], ["fd00::1", "10.0.0.1"]]),
            ExternalName = type == "ExternalName" ? Name() + ".com" : null,
            Ports = Ports(["TCP", "UDP", "SCTP"], alwaysNamed: true),
            PublishNotReadyAddresses = _random.Next(2) == 0,
        };
    }

    private List<ServicePort> Ports(string[] protocols, bool alwaysNamed, string letter = "p") =>
        [.. Several(0, 4, () => _random.Next(1, 65536)).Select((number, i) =>
            new ServicePort(number, alwaysNamed || _random.Next(3) > 0 ? letter + i : null, Pick(protocols), _random.Next(2) == 0 && number > 1 ? number - 1 : null))];

    private Dictionary<string, int>? EndpointPorts(List<ServicePort> ports)
    {
        var chosen = ports.Where(p => p.Name is not null && _random.Next(2) == 0).OrderBy(p => p.Name, StringComparer.Ordinal).ToDictionary(p => p.Name!, _ => _random.Next(1, 65536));
        return chosen.Count == 0 ? null : chosen;
    }

    private Dictionary<string, string>? Labels() => Map(() => Pick([Name(), Name() + ".io/" + Name(), "true", "1"]), () => Pick(["", "true", "1", "no", "a_b.c", Name()]));

    private Dictionary<string, string>? Map(Func<string> key, Func<string> value)
    {
        var map = Several(0, 4, key).Order(StringComparer.Ordinal).ToDictionary(k => k, _ => value());
        return map.Count == 0 ? null : map;
    }

    private string Address() => _random.Next(2) == 0
        ? string.Create(CultureInfo.InvariantCulture, $"192.0.{_random.Next(256)}.{_random.Next(256)}")
        : string.Create(CultureInfo.InvariantCulture, $"2001:db8::{_random.Next(1, 256):x}");

    private string Name()
    {
        var name = Pick(["a", "true", "null", "1", "12", "1e3", "web", "y", "xn--bcher-kva", "2026-01-02"]);
        // A digit more would make an A-label of it that is none.
        return name.StartsWith("xn--", StringComparison.Ordinal) || _random.Next(2) == 0 ? name : name + _random.Next(100).ToString(CultureInfo.InvariantCulture);
    }

    private List<T> Several<T>(int min, int max, Func<T> make)
    {
        var items = Enumerable.Range(0, _random.Next(min, max)).Select(_ => make()).Distinct().ToList();
        return items;
    }

    private T Pick<T>(T[] items) => items[_random.Next(items.Length)];
}
